package configs

import (
	"strings"
	"testing"
)

func TestAddTunnelKeepsTheRest(t *testing.T) {
	tunnel := Tunnel{Name: "new", Target: "tag:Name=bastion", Host: "db.internal", Port: 5432, Settings: Settings{Wait: DefaultWait}}
	const plain = "new:\n  wait: true\n  target: tag:Name=bastion\n  host: db.internal\n  port: 5432\n"
	at := func(by string) string {
		return by + strings.ReplaceAll(strings.TrimSuffix(plain, "\n"), "\n", "\n"+by) + "\n"
	}
	for name, test := range map[string]struct{ before, after string }{
		"nothing":            {"", "tunnels:\n" + at("  ")},
		"other keys":         {"# mine\ndefaults: {region: eu-west-1}", "# mine\ndefaults: {region: eu-west-1}\ntunnels:\n" + at("  ")},
		"last":               {"tunnels:\n  a: {target: t, port: 1} # first\n", "tunnels:\n  a: {target: t, port: 1} # first\n" + at("  ")},
		"in the middle":      {"tunnels:\n    a:\n        target: t\n        port: 1\n\ngroups: {g: [a]}\n", "tunnels:\n    a:\n        target: t\n        port: 1\n" + at("    ") + "\ngroups: {g: [a]}\n"},
		"after text":         {"tunnels:\n  a:\n    target: t\n    port: 1\n    reason: >-\n      one\n      two\n# end\n", "tunnels:\n  a:\n    target: t\n    port: 1\n    reason: >-\n      one\n      two\n" + at("  ") + "# end\n"},
		"after a long line":  {"tunnels:\n  a:\n    target: t\n    port: 1\n    reason: one\n      two\n# end\n", "tunnels:\n  a:\n    target: t\n    port: 1\n    reason: one\n      two\n" + at("  ") + "# end\n"},
		"before another":     {"tunnels:\n  a: {target: t, port: 1}\n# of b\n  b: {target: t,\n    port: 1}\n  # of nobody\n", "tunnels:\n  a: {target: t, port: 1}\n# of b\n  b: {target: t,\n    port: 1}\n" + at("  ") + "  # of nobody\n"},
		"the key alone":      {"defaults: {region: r}\ntunnels: # none yet\n\ngroups: {}\n", "defaults: {region: r}\ntunnels: # none yet\n" + at("  ") + "\ngroups: {}\n"},
		"the key at the end": {"tunnels:", "tunnels:\n" + at("  ")},
		"an anchor":          {"tunnels: &all\n  a: {target: t, port: 1}\n", "tunnels: &all\n  a: {target: t, port: 1}\n" + at("  ")},
	} {
		got, added, err := AddTunnel("f", []byte(test.before), tunnel, Variables{})
		if err != nil || string(got) != test.after || !strings.Contains(string(got), added) {
			t.Errorf("%s: %v\n%s\nwant\n%s", name, err, got, test.after)
		}
	}
}

func TestAddTunnelRefuses(t *testing.T) {
	good := Tunnel{Name: "new", Target: "t", Port: 1}
	for _, test := range []struct {
		before string
		tunnel Tunnel
		want   string
	}{
		{"tunnels:\n  new: {target: t, port: 1}\n", good, `has a tunnel "new" already`},
		{"tunnels: {a: {target: t, port: 1}}\n", good, "written in one line"},
		{"tunnel: {}\n", good, `did you mean "tunnels"?`},
		{"defaults: {region: r}\n...\n", good, "in another document"},
		{"", Tunnel{Name: "new", Port: 1}, "target is missing"},
		{"", Tunnel{Name: "a b", Target: "t", Port: 1}, `"a b" cannot be the name of a tunnel: a name is made of letters, digits`},
		{"groups: {new: []}\n", good, `has a group "new" already`},
	} {
		if got, _, err := AddTunnel("f", []byte(test.before), test.tunnel, Variables{}); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: %v, want %q; text %q", test.before, err, test.want, got)
		}
	}
}

// What looks like a variable was meant as it stands.
func TestAddTunnelQuotesVariables(t *testing.T) {
	text, _, err := AddTunnel("f", nil, Tunnel{Name: "new", Target: "tag:Owner=${USER}", Port: 1}, Variables{})
	if err != nil {
		t.Fatal(err)
	}
	f, _, err := (Variables{Lookup: func(string) (string, bool) { return "ann", true }}).decode("f", text)
	if err != nil || f.Tunnels["new"].Target != "tag:Owner=${USER}" {
		t.Errorf("read back as %q, %v", f.Tunnels["new"].Target, err)
	}
}

// Variables in the file are expanded as everywhere.
func TestAddTunnelReadsVariables(t *testing.T) {
	before := []byte("tunnels:\n  a:\n    target: t\n    port: ${PORT}\n    guard: ${MODE:-warn}\n")
	if _, _, err := AddTunnel("f", before, Tunnel{Name: "new", Target: "t", Port: 1}, Variables{Lookup: env("PORT", "5432")}); err != nil {
		t.Error(err)
	}
}
