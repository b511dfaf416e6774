package configs

import (
	"errors"
	"strings"
	"testing"
)

const editable = `# mine
defaults: {region: eu-west-1} # all
tunnels:
  # the orders
  orders: # main
    target: i-1   # the bastion
    host: "db.internal" # a CNAME
    port: 5432

    reason: ${WHY:-upkeep}
    # nothing more
  # the cache
  cache: {target: i-1, port: 6379, host: 'c"x', local_port: 16379} # one line
  last:
    target: i-2
    port: 1
groups: {g: [last]} # end
`

func TestEditTunnelKeepsTheRest(t *testing.T) {
	for name, test := range map[string]struct {
		tunnel   string
		change   func(*Tunnel)
		old, new string // what is replaced of the text
	}{
		"a value":            {"orders", func(t *Tunnel) { t.Port = 5433 }, "port: 5432", "port: 5433"},
		"one in quotes":      {"orders", func(t *Tunnel) { t.Host = "db2" }, `host: "db.internal" # a CNAME`, "host: db2 # a CNAME"},
		"one with a comment": {"orders", func(t *Tunnel) { t.Target = "tag:Name=${x}" }, "target: i-1   # the", "target: tag:Name=$${x}   # the"},
		"a variable":         {"orders", func(t *Tunnel) { t.Reason = "x: y" }, "reason: ${WHY:-upkeep}", "reason: 'x: y'"},
		"a new key":          {"orders", func(t *Tunnel) { t.LocalPort = 15432 }, "    # nothing more\n", "    # nothing more\n    local_port: 15432\n"},
		"a key less":         {"orders", func(t *Tunnel) { t.Host = "" }, "    host: \"db.internal\" # a CNAME\n", ""},
		"another database":   {"orders", func(t *Tunnel) { t.Host, t.Port, t.RDS = "", 0, "orders" }, "    host: \"db.internal\" # a CNAME\n    port: 5432\n\n    reason: ${WHY:-upkeep}\n    # nothing more\n", "\n    reason: ${WHY:-upkeep}\n    # nothing more\n    rds: orders\n"},
		"within a line":      {"cache", func(t *Tunnel) { t.Port, t.LocalPort = 1, 20000 }, "port: 6379, host: 'c\"x', local_port: 16379}", "port: 1, host: 'c\"x', local_port: 20000}"},
		"new in a line":      {"cache", func(t *Tunnel) { t.Reason = "a, b" }, "16379} #", "16379, reason: 'a, b'} #"},
		"less in a line":     {"cache", func(t *Tunnel) { t.LocalPort = 0 }, ", local_port: 16379}", "}"},
		"less and changed":   {"cache", func(t *Tunnel) { t.LocalPort, t.Host = 2, "" }, "host: 'c\"x', local_port: 16379}", "local_port: 2}"},
		"the last":           {"last", func(t *Tunnel) { t.Reader, t.RDS, t.Port = true, "x", 0 }, "    port: 1\n", "    rds: x\n    reader: true\n"},
	} {
		before := strings.ReplaceAll(editable, "'c\"x'", "'c-x'")
		old, want := strings.ReplaceAll(test.old, "c\"x", "c-x"), strings.ReplaceAll(test.new, "c\"x", "c-x")
		if strings.Count(before, old) != 1 {
			t.Fatalf("%s: %q is not once in the text", name, old)
		}
		want = strings.Replace(before, old, want, 1)
		got, err := EditTunnel("f", []byte(before), test.tunnel, func(t Tunnel) (Tunnel, error) { test.change(&t); return t, nil }, Variables{})
		if err != nil || string(got) != want {
			t.Errorf("%s: %v\n%s\nwant\n%s", name, err, got, want)
		}
	}
}

func TestRemoveTunnelKeepsTheRest(t *testing.T) {
	before := strings.ReplaceAll(editable, "c\"x", "c-x")
	for name, gone := range map[string]string{
		"orders": "  orders: # main\n    target: i-1   # the bastion\n    host: \"db.internal\" # a CNAME\n    port: 5432\n\n    reason: ${WHY:-upkeep}\n    # nothing more\n",
		"cache":  "  cache: {target: i-1, port: 6379, host: 'c-x', local_port: 16379} # one line\n",
	} {
		got, removed, err := RemoveTunnel("f", []byte(before), name, Variables{})
		if err != nil || removed != gone || string(got) != strings.Replace(before, gone, "", 1) {
			t.Errorf("%s: %v, gone:\n%s\nleft:\n%s", name, err, removed, got)
		}
	}
	got, _, err := RemoveTunnel("f", []byte("tunnels:\n  a: {target: t, port: 1}"), "a", Variables{})
	if err != nil || string(got) != "tunnels:\n" {
		t.Errorf("the only one: %q, %v", got, err)
	}
	if _, _, err := RemoveTunnel("f", []byte(before), "last", Variables{}); err == nil || err.Error() != "f:17: the group g has last; take it out of the group first" {
		t.Errorf("one of a group: %v", err)
	}
}

// What cannot be changed at its own place is left to its user, and what would be faulty is
// a fault.
func TestEditTunnelRefuses(t *testing.T) {
	port := func(t Tunnel) (Tunnel, error) { t.Port = 2; return t, nil }
	for _, test := range []struct {
		before, want string
		byHand       bool
	}{
		{"tunnels: {a: {target: t, port: 1}}\n", "f:1: the tunnel is not written in lines of its own; change it by hand", true},
		{"tunnels:\n  a: &x {target: t, port: 1}\n  b: *x\n", "f:2: ", true},
		{"tunnels:\n  b: &x {target: t, port: 1}\n  a: *x\n", "f:3: ", true},
		{"tunnels:\n  b: &x {target: t, port: 1}\n  a: {<<: *x, host: h}\n", "", false}, // a key of its own wins
		{"tunnels:\n  a:\n    target: t\n    port: &p 1\n", "f:4: ", true},
		{"tunnels:\n  a: {target: t, port: 1, hots: x}\n", `f:2: unknown key "hots", did you mean "host"?`, false},
		{"tunnels:\n  b: {target: t, port: 1}\n", `f has no tunnel "a"`, false},
	} {
		got, err := EditTunnel("f", []byte(test.before), "a", port, Variables{})
		if test.want == "" && err == nil {
			continue
		}
		if err == nil || !strings.HasPrefix(err.Error(), test.want) || errors.Is(err, ErrByHand) != test.byHand || got != nil {
			t.Errorf("%q: %v, want %s; text %q", test.before, err, test.want, got)
		}
	}
	_, err := EditTunnel("f", []byte("tunnels:\n  a: {target: t, port: 1, host: h}\n"), "a", func(t Tunnel) (Tunnel, error) { t.RDS = "x"; return t, nil }, Variables{})
	if err == nil || err.Error() != "f:2: tunnels.a: give only one of host, rds and elasticache" {
		t.Errorf("%v", err)
	}
	for _, before := range []string{"tunnels:\n  a: {target: t,\n    reason: >-\n"} {
		if got, err := EditTunnel("f", []byte(before), "a", port, Variables{}); err == nil {
			t.Errorf("%q becomes %q", before, got)
		}
	}
	if _, err := (Tunnel{}).Without("prot"); err == nil || !strings.HasPrefix(err.Error(), `"prot" is no key of a tunnel; valid: database, db_engine, elasticache, `) {
		t.Errorf("%v", err)
	}
	if got, err := (Tunnel{Port: 1, Settings: Settings{Region: "r"}}).Without("region"); err != nil || got != (Tunnel{Port: 1}) {
		t.Errorf("%+v, %v", got, err)
	}
}

// FuzzEdit: an edited file reads as it did, but for what was to change; or it is refused.
func FuzzEdit(f *testing.F) {
	for _, seed := range []string{editable, "tunnels:\n  orders: {target: t, port: 1}\n", "tunnels:\n orders:\n  port: 1\n  target: |\n   x\n", "? tunnels\n: ? orders\n  : {port: 1, target: \"a\\\"b\"}\n"} {
		f.Add([]byte(seed), 2, "h")
	}
	f.Fuzz(func(t *testing.T, text []byte, port int, reason string) {
		var want Tunnel
		got, err := EditTunnel("f", text, "orders", func(t Tunnel) (Tunnel, error) {
			t.Port, t.Reason = port, reason
			want = t
			return t, nil
		}, Variables{})
		if err != nil {
			return
		}
		after, err := parseUnplaced("f", got, Variables{})
		if err != nil || after.Tunnels["orders"] != want {
			t.Errorf("%q becomes %q: %+v, want %+v, %v", text, got, after.Tunnels["orders"], want, err)
		}
	})
}
