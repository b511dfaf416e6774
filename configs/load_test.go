package configs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func env(pairs ...string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1], true
			}
		}
		return "", false
	}
}

func TestLoadMergesFiles(t *testing.T) {
	dir := t.TempDir()
	user := write(t, filepath.Join(dir, "config", "config.yaml"), `
defaults: {profile: mine, region: eu-west-1}
tunnels:
  cache: {target: i-2, port: 2, wait: 3s}
`)
	inner := filepath.Join(dir, "repo", "a", "b")
	if err := os.MkdirAll(inner, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "repo", ProjectFile), `
defaults: {profile: project}
tunnels:
  db:
    target: tag:Name=bastion
    host: ${SSMGUARD_HOST:-db.internal}
    port: ${SSMGUARD_PORT}
    local_port: 15432
    wait: true
groups: {all: [db, cache]}
`)
	c, err := Load(Places{UserFile: user, Dir: inner, Getenv: env("SSMGUARD_PORT", "5432"), Trusted: everything})
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Select("all", "db")
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		got[i].File, got[i].From, got[i].project = "", "", false
	}
	want := []Tunnel{
		{Name: "db", Target: "tag:Name=bastion", Host: "db.internal", Port: 5432, LocalPort: 15432,
			Settings: Settings{Profile: "project", Region: "eu-west-1", Guard: "on", Engine: "native", Lanes: 1, Wait: DefaultWait}},
		{Name: "cache", Target: "i-2", Port: 2,
			Settings: Settings{Profile: "mine", Region: "eu-west-1", Guard: "on", Engine: "native", Lanes: 1, Wait: Wait(3 * time.Second)}},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(Tunnel{})); diff != "" {
		t.Errorf("tunnels (-want +got):\n%s", diff)
	}
}

// A tunnel's own wait overrides the defaults, false included.
func TestWaitOverDefaults(t *testing.T) {
	file := write(t, filepath.Join(t.TempDir(), "config.yaml"), `
defaults: {wait: true}
tunnels:
  a: {target: i-1, port: 1}
  b: {target: i-1, port: 1, wait: false}
  c: {target: i-1, port: 1, wait: 0s}
  d: {target: i-1, port: 1, wait: 3s}
`)
	c, err := Load(Places{UserFile: file})
	if err != nil {
		t.Fatal(err)
	}
	tunnels, err := c.Select("a", "b", "c", "d")
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []Wait{DefaultWait, 0, 0, Wait(3 * time.Second)} {
		if got := tunnels[i].Wait; got != want {
			t.Errorf("%s waits %v, want %v", tunnels[i].Name, time.Duration(got), time.Duration(want))
		}
	}
}

func TestLoadFaults(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"unknown key", "tunnels:\n  db:\n    traget: i-1\n    port: 1\n", `f.yaml:3: unknown key "traget", did you mean "target"?`},
		{"unknown top key", "tunnel: {}\n", `f.yaml:1: unknown key "tunnel", did you mean "tunnels"?`},
		{"far key", "tunnels:\n  db: {target: i-1, port: 1, xyzzy: x}\n", `unknown key "xyzzy"; valid: database, db_engine, elasticache`},
		{"wrong type", "tunnels:\n  db:\n    target: i-1\n    port: many\n", `f.yaml:4: tunnels.db.port: give a whole number, not "many"`},
		{"no target", "tunnels:\n\n  db:\n    port: 1\n", "f.yaml:3: tunnels.db: target is missing: an instance id, tag:KEY=VALUE or a Name tag"},
		{"no port", "tunnels:\n  db: {target: i-1}\n", "f.yaml:2: tunnels.db: port is missing"},
		{"reader of nothing", "tunnels:\n  db: {target: i-1, port: 1, host: h, reader: true}\n", "tunnels.db: reader is for rds and elasticache"},
		{"two hosts", "tunnels:\n  db: {target: i-1, port: 1, host: h, rds: r}\n", "give only one of host, rds and elasticache"},
		{"two listeners", "tunnels:\n  db: {target: i-1, port: 1, local_port: 1, listen: ':2'}\n", "give only one of listen and local_port"},
		{"bad listen", "tunnels:\n  db: {target: i-1, port: 1, listen: here}\n", `listen is "here", give ADDR:PORT or unix:PATH`},
		{"listen on no name", "tunnels:\n  db: {target: i-1, port: 1, listen: '$(x):2'}\n", `listen is "$(x):2", give ADDR:PORT or unix:PATH`},
		{"bad port", "tunnels:\n  db: {target: i-1, port: 70000}\n", "tunnels.db.port: give 1 to 65535, not 70000"},
		{"bad wait", "tunnels:\n  db: {target: i-1, port: 1, wait: soon}\n", "f.yaml:2: tunnels.db.wait: give true, false or a duration such as 30s, not \"soon\""},
		{"bad guard", "defaults: {guard: maybe}\n", `f.yaml:1: defaults.guard: "maybe" is not valid; valid: on, warn, strict, off`},
		{"bad lanes", "defaults:\n  lanes: 99\n", "f.yaml:2: defaults.lanes: give 1 to 16, not 99"},
		{"no idle time", "defaults:\n  idle: 15\n", "f.yaml:2: defaults.idle: give a duration of at least 1s, such as 15m, not \"15\""},
		{"bad group name", "groups: {../a: []}\n", "f.yaml:1: groups.../a: a name is made of letters"},
		{"bad name", "tunnels:\n  a/b: {target: i-1, port: 1}\n", "a name is made of letters"},
		{"unset variable", "tunnels:\n  db:\n    target: ${BASTION_ID}\n    port: 1\n", "f.yaml:3: environment variable BASTION_ID is not set"},
		{"no yaml", "tunnels: [\n", "f.yaml:1: a value is missing, or a bracket here or above is not closed"},
		{"the line of a key", "tunnels:\n  db:\n    target: i-1\n    port: 1\n    listen: here\n", "f.yaml:5: tunnels.db: listen is \"here\""},
		{"group named as tunnel", "tunnels:\n  db: {target: i-1, port: 1}\ngroups: {db: [db]}\n", `f.yaml:3: groups.db: a tunnel has this name; give one of the two another name`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			file := write(t, filepath.Join(t.TempDir(), "f.yaml"), tt.text)
			_, err := Load(Places{UserFile: file, Getenv: env()})
			if err == nil {
				t.Fatal("no fault")
			}
			if got := strings.ReplaceAll(err.Error(), filepath.Dir(file)+"/", ""); !strings.Contains(got, tt.want) {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestEveryFaultIsReported(t *testing.T) {
	file := write(t, filepath.Join(t.TempDir(), "f.yaml"), "defaults: {gaurd: on}\ntunnels:\n  db:\n    target: i-1\n    prot: 1\n    port: x\n")
	_, err := Load(Places{UserFile: file, Getenv: env()})
	if got := strings.Count(err.Error(), "\n") + 1; got != 3 {
		t.Errorf("got %d faults, want 3:\n%v", got, err)
	}
}

func TestExpand(t *testing.T) {
	for in, want := range map[string]string{
		"${A}":           "1",
		"x-${A}-${B:-y}": "x-1-y",
		"${EMPTY:-d}":    "d",
		"${EMPTY}":       "",
		"$$A":            "$A",
		"$A":             "$A",
	} {
		file := write(t, filepath.Join(t.TempDir(), "f.yaml"), "tunnels:\n  db: {target: t, port: 1, database: \""+in+"\"}\n")
		c, err := Load(Places{UserFile: file, Getenv: env("A", "1", "EMPTY", "")})
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Tunnels["db"].Database; got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestExampleLoads(t *testing.T) {
	c, err := Load(Places{UserFile: "examples/project.yaml", Getenv: env()})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("examples/project.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if c, _ := project(t, "", string(text), env()); c.Unused != nil {
		t.Errorf("as a project's file: %v", c.Unused)
	}
	if ts, err := c.Select("dev", "admin"); err != nil || len(ts) != 3 {
		t.Errorf("got %d tunnels, %v", len(ts), err)
	}
}

// A group with a name that is no tunnel concerns nothing but itself: the tunnel may be a
// project's.
func TestGroupOfNothing(t *testing.T) {
	file := write(t, filepath.Join(t.TempDir(), "f.yaml"), "tunnels:\n  orders: {target: i-1, port: 1}\ngroups:\n  all: [orders]\n  g: [order]\n")
	c, err := Load(Places{UserFile: file})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := c.Select("all", "orders"); err != nil || len(got) != 1 {
		t.Errorf("%v, %v", got, err)
	}
	want := file + `:5: groups.g: no tunnel "order", did you mean "orders"?`
	if _, err := c.Select("g"); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	wantWarnings(t, "a list of all", c.Warnings(), want)
	wantWarnings(t, "another tunnel", c.Warnings("orders"), "")
}

// A project's file that is not used is told to those who ask for what it has, or may have.
func TestNamesOfFaultyProject(t *testing.T) {
	c, file := project(t, "tunnels:\n  orders: {target: i-1, port: 1}\ngroups: {mine: [theirs]}\n", "tunnels:\n  theirs: {target: i-1, prot: 1}\ngroups: {both: [theirs]}\n", env())
	for name, want := range map[string]string{
		"theirs": file + `:2: unknown key "prot", did you mean "port"?`,
		"both":   file + `:2: unknown key "prot", did you mean "port"?`,
		"their":  file + `:2: unknown key "prot", did you mean "port"?`,
		"mine":   file + `:2: unknown key "prot", did you mean "port"?`,
		"ordesr": `no tunnel "ordesr", did you mean "orders"?`,
		"x":      `no tunnel "x"; valid: orders, mine`,
	} {
		if _, err := c.Select(name); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", name, err, want)
		}
	}
	if _, err := c.Select("orders"); err != nil {
		t.Error(err)
	}
}
