package configs

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"ssmguard/internal/memtest"
)

const shop = `
defaults: {profile: dev, region: eu-west-1, reason: work}
tunnels:
  db: {target: bastion, host: db.internal, port: 5432, local_port: 15432, user: app, database: shop}
  cache: {target: bastion, elasticache: sessions, reader: true, listen: "unix:/run/cache.sock", profile: ops}
groups: {dev: [db, cache]}
`

// hashes are the effects of a project's file by their names.
func hashes(t *testing.T, text string) map[string]string {
	t.Helper()
	c, _ := project(t, "", text, env("SSMGUARD_TEAM", "red", "USER", "ann"))
	if c.Unused != nil {
		t.Fatal(c.Unused)
	}
	all := make(map[string]string)
	for _, e := range c.Effects() {
		all[e.Name] = e.Hash
	}
	return all
}

// TestHashes: what a user has seen and trusted is asked about again when it does something
// else, and only then.
func TestHashes(t *testing.T) {
	before := hashes(t, shop)
	for _, test := range []struct {
		old, new string
		changed  string // the names of the effects whose hash changes
	}{
		{"\ndefaults", "\n# the shop\ndefaults", ""},
		{"local_port: 15432", "local_port: 15433", ""},
		{"local_port: 15432", "local_port: 0, lanes: 3, wait: true, lazy: true, idle: 1m", ""},
		{"{target: bastion, host: db.internal, port: 5432", "{port: 5432, host: db.internal, target: bastion", ""},
		{"[db, cache]", "[cache, db, db]", ""},
		{"reason: work}", "reason: work, lanes: 2, guard: off}", ""}, // a guard that is ignored anyway
		{"reason: work", `reason: "w${SSMGUARD_NONE:-ork}"`, ""},
		{"db.internal", "db.example", "db"},
		{"5432,", "5433,", "db"},
		{"target: bastion, host", "target: other, host", "db"},
		{"user: app", "user: root", "db"},
		{"database: shop", "database: all", "db"},
		{"database: shop", "iam_auth: true, database: shop", "db"},
		{"local_port: 15432", "listen: 127.0.0.1:15432", "db"},
		{"user: app", "user: app, engine: plugin", "db"},
		{"user: app", "user: app, guard: strict", "db"},
		{"user: app", "user: app, profile: prod", "db"},
		{"user: app", "user: app, region: us-east-1", "db"},
		{"user: app", "user: app, reason: other", "db"},
		{"reader: true", "reader: false", "cache"},
		{"elasticache: sessions", "elasticache: others", "cache"},
		{"elasticache: sessions", "rds: sessions", "cache"},
		{"/run/cache.sock", "/run/other.sock", "cache"},
		{"profile: dev", "profile: prod", " db"}, // cache has its own
		{"region: eu-west-1", "region: us-east-1", " cache db"},
		{"reason: work", `reason: "${SSMGUARD_TEAM}"`, " cache db"},
		{"[db, cache]", "[db]", "dev"},
	} {
		text := strings.Replace(shop, test.old, test.new, 1)
		if text == shop {
			t.Fatalf("%s is not in the file", test.old)
		}
		after, changed := hashes(t, text), []string(nil)
		for _, name := range slices.Sorted(maps.Keys(before)) {
			if after[name] != before[name] {
				changed = append(changed, name)
			}
		}
		if got := strings.Join(changed, " "); got != test.changed || len(after) != len(before) {
			t.Errorf("%s for %s: changed %q, want %q", test.new, test.old, got, test.changed)
		}
	}
}

// TestHashesStay: a new version of ours asks nobody again about what has not changed.
func TestHashesStay(t *testing.T) {
	for name, want := range map[string]string{"": "U7f64ym2SPGq55Q92ZhWvWP7taofnx75", "db": "QoT3Yz03bQhYQ_ADC-I1Ukm5AUui85WL", "cache": "6AbLk5XwxX-39mR6P4Bd8JeWlDruCDuJ", "dev": "_XDaY1CYevE-hrcg0kYcZ4HmN44rSbhx"} {
		if got := hashes(t, shop)[name]; got != want {
			t.Errorf("%q: %s, want %s", name, got, want)
		}
	}
}

func TestEffects(t *testing.T) {
	c, file := project(t, "tunnels:\n  mine: {target: i-1, port: 1}\n", shop+"  # end\n", env())
	var texts []string
	for _, e := range c.Effects() {
		texts = append(texts, e.Text)
	}
	want := []string{
		`tunnels given on the spot: profile dev, region eu-west-1, reason "work"`,
		`cache: unix:/run/cache.sock to elasticache sessions (reader) through bastion, profile ops, region eu-west-1, reason "work"`,
		`db: 127.0.0.1:15432 to db.internal:5432 through bastion, profile dev, region eu-west-1, reason "work", user "app", database "shop"`,
		`group dev: cache, db`,
	}
	if !slices.Equal(texts, want) {
		t.Errorf("%s\nwant %s", strings.Join(texts, "\n"), strings.Join(want, "\n"))
	}
	if c.Project() != file || c.Tunnels["db"].File != file || c.Tunnels["mine"].File == file {
		t.Errorf("of %q, %q: %q", c.Project(), c.Tunnels["db"].File, c.Tunnels["mine"].File)
	}
	if c, _ = project(t, "", "defaults: {lanes: 2}\n", env()); c.Effects() != nil {
		t.Errorf("%v", c.Effects())
	}
	admin := Tunnel{Target: "i-1", Port: 22}
	if got := admin.Leads() + ", " + (Tunnel{Target: "i-1", RDS: "orders"}).Leads(); got != "port 22 of i-1, rds orders through i-1" {
		t.Error(got)
	}
}

// TestUntrusted: nothing of a project's file is used before it is trusted, and what does not
// need it goes on.
func TestUntrusted(t *testing.T) {
	user := "defaults: {profile: own}\ntunnels:\n  mine: {target: i-1, port: 1}\ngroups: {both: [mine]}\n"
	theirs := "defaults: {profile: theirs}\ntunnels:\n  db: {target: i-2, port: 1}\n  web: {target: i-2, port: 2}\ngroups: {ours: [mine], dev: [db, mine]}\n"
	dir := t.TempDir()
	write(t, dir+"/"+ProjectFile, theirs)
	load := func(trusted func(name string) bool) Config {
		t.Helper()
		places := Places{UserFile: write(t, dir+"/own.yaml", user), Dir: dir, Trusted: everything}
		all, err := Load(places)
		if err != nil {
			t.Fatal(err)
		}
		if trusted == nil {
			places.Trusted = nil
		} else {
			places.Trusted = func(file, hash string) bool {
				at := slices.IndexFunc(all.Effects(), func(e Effect) bool { return e.Hash == hash })
				return file == all.Project() && at >= 0 && trusted(all.Effects()[at].Name)
			}
		}
		c, err := Load(places)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	for _, test := range []struct {
		trusted string // names, separated by commas; "-" for none
		ask     []string
		missing string // "" for nothing that is asked about
	}{
		{"-", []string{"mine"}, ""},
		{"-", []string{"both"}, ""},
		{"-", []string{"db"}, "db"},
		{"-", []string{"mine", "db"}, "db"},
		{"-", []string{"dev"}, "db,dev"},
		{"-", []string{"ours"}, "ours"}, // a group of others decides what a name of the user's opens
		{"-", []string{"web", "db", "db"}, "web,db"},
		{"db", []string{"db"}, ""},
		{"db", []string{"dev"}, "dev"},
		{"dev", []string{"dev"}, "db"},
		{"db,dev", []string{"dev"}, ""},
	} {
		c := load(func(name string) bool { return slices.Contains(strings.Split(test.trusted, ","), name) })
		tunnels, err := c.Select(test.ask...)
		var untrusted *UntrustedError
		switch errors.As(err, &untrusted) {
		case false:
			if err != nil || test.missing != "" || len(tunnels) == 0 {
				t.Errorf("%s, asked for %s: %v, %v", test.trusted, test.ask, tunnels, err)
			}
		default:
			if got := strings.Join(untrusted.Names, ","); got != test.missing || tunnels != nil || untrusted.File != c.Project() {
				t.Errorf("%s, asked for %s: missing %q, want %q", test.trusted, test.ask, got, test.missing)
			}
			if fmt.Sprint(untrusted.Effects) != fmt.Sprint(c.Untrusted()) {
				t.Errorf("asks about %v", untrusted.Effects)
			}
		}
		if _, err := c.Members(test.ask...); err != nil {
			t.Errorf("names are known: %v", err)
		}
	}
	c := load(nil)
	var untrusted *UntrustedError
	if s, err := c.OnTheSpot(); !errors.As(err, &untrusted) || len(untrusted.Names) != 0 || s != (Settings{}) || !strings.Contains(err.Error(), "not trusted its defaults;") {
		t.Errorf("settings: %+v, %v", s, err)
	}
	if len(c.Untrusted()) != 5 || !c.IsUntrusted("db") || c.IsUntrusted("mine") || c.IsUntrusted("") {
		t.Errorf("%v", c.Untrusted())
	}
	c = load(func(name string) bool { return name == "" })
	if s, err := c.OnTheSpot(); err != nil || s.Profile != "theirs" {
		t.Errorf("trusted settings: %+v, %v", s, err)
	}
	theirs = "tunnels:\n  db: {target: i-2, port: 1}\n"
	write(t, dir+"/"+ProjectFile, theirs)
	if s, err := load(nil).OnTheSpot(); err != nil || s.Profile != "own" {
		t.Errorf("a file without settings: %+v, %v", s, err)
	}
}

// FuzzProject: whatever a project's file says, it loosens no guard, replaces nothing of the
// user's, and nothing of it is used untrusted.
func FuzzProject(f *testing.F) {
	f.Add([]byte(shop))
	for _, seed := range []string{
		"defaults: {guard: off}\ntunnels:\n  mine: {target: i-9, port: 9}\n",
		"tunnels: &a {db: {target: i, port: 1}, <<: *a}\n",
		"tunnels: {a: &a {target: i, port: 1}, b: {<<: *a, host: \"${SSMGUARD_TEAM}\"}}\n",
		"groups: {both: [], dev: [mine]}\n",
		"tunnels: {a: {target: $${X}, port: '${USER:-1}', wait: 3s}}\n---\n",
		"\ufeff? tunnels\n: {a: {target: !!str 1, port: 0x10, reason: |\n  a\n  }}\n",
	} {
		f.Add([]byte(seed))
	}
	user := "tunnels:\n  mine: {target: i-1, port: 1}\ngroups: {both: [mine]}\n"
	f.Fuzz(func(t *testing.T, text []byte) {
		defer memtest.Bounded(t, len(text))()
		own, _, err := parse("own.yaml", []byte(user), Variables{})
		if err != nil {
			t.Fatal(err)
		}
		for _, trusted := range []func(string, string) bool{everything, nil} {
			ours, _, err := parse("default.yaml", defaultFile, Variables{})
			if err != nil {
				t.Fatal(err)
			}
			c := Config{Tunnels: map[string]Tunnel{}, Groups: map[string][]string{}, groupFrom: map[string]place{}}
			c.addOwn("default.yaml", ours)
			c.addOwn("own.yaml", own)
			c.defaults = c.own
			theirs, _, err := parse("p.yaml", text, Variables{env("SSMGUARD_TEAM", "red", "USER", "ann"), true})
			if err == nil {
				err = c.addProject("p.yaml", theirs, trusted)
			}
			if err != nil && len(c.Effects()) > 0 {
				t.Fatalf("effects of a faulty file: %v, %v", c.Effects(), err)
			}
			if mine, err := c.Select("mine", "both"); err != nil || len(mine) != 1 || mine[0].Target != "i-1" || mine[0].Guard != GuardOn {
				t.Fatalf("the user's own: %+v, %v", mine, err)
			}
			for name, tunnel := range c.Tunnels {
				selected, err := c.Select(name)
				switch {
				case name == "mine":
				case trusted == nil && err == nil:
					t.Fatalf("%s is used", name)
				case trusted != nil && (err != nil || selected[0].Guard.weakerThan(GuardOn) || selected[0].Target != tunnel.Target):
					t.Fatalf("%s: %+v, %v", name, selected, err)
				}
			}
			for _, e := range c.Effects() {
				if strings.ContainsAny(e.Text, "\n\r\x1b") || len(e.Hash) != 32 {
					t.Fatalf("%q, %q", e.Text, e.Hash)
				}
			}
		}
	})
}

// A tunnel that starts its target has to be trusted for that, and says so; one that does not is
// trusted as it was before there was the key.
func TestStartIsAnEffect(t *testing.T) {
	effect := func(text string) Effect {
		c, _ := project(t, "", text, env())
		return c.Effects()[0]
	}
	plain, no, yes := effect("tunnels: {db: {target: i-1, rds: orders}}\n"), effect("tunnels: {db: {target: i-1, rds: orders, start: false}}\n"),
		effect("tunnels: {db: {target: i-1, rds: orders, start: true}}\n")
	if plain.Hash != no.Hash || plain.Hash == yes.Hash {
		t.Errorf("%v, %v, %v", plain, no, yes)
	}
	if want := "db: a free local port to rds orders through i-1, starts its target"; yes.Text != want {
		t.Errorf("%q, want %q", yes.Text, want)
	}
}
