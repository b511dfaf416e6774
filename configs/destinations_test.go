package configs

import (
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestDestinations(t *testing.T) {
	for _, tc := range []struct {
		rules Destinations
		host  string
		port  int
		want  string // part of the reason, "" for an allowed one
	}{
		{"", "db.internal", 5432, ""},
		{"", "10.1.2.3", 1, ""},
		{"", "fd00::1", 443, ""},
		{"*.internal:5432", "db.internal", 5432, ""},
		{"*.internal:5432", "a.b.INTERNAL.", 5432, ""},
		{"*.internal:5432", "internal", 5432, "no rule"},
		{"*.internal:5432", "db.internal", 5433, "no rule"},
		{"*.internal:5432", "db.internal.example.com", 5432, "no rule"},
		{"*.internal:5432", "dbinternal", 5432, "no rule"},
		{"db.internal:*", "DB.internal", 22, ""},
		{"db.internal:*", "x.db.internal", 22, "no rule"},
		{"10.0.0.0/8:*", "10.255.0.1", 22, ""},
		{"10.0.0.0/8:*", "::ffff:10.255.0.1", 22, ""},
		{"10.0.0.0/8:*", "11.0.0.1", 22, "no rule"},
		{"10.0.0.0/8:*", "ten.internal", 22, "no rule"},
		{"[fd00::/8]:443", "fd12::1", 443, ""},
		{"[fd00::/8]:443, 10.0.0.7:6379", "10.0.0.7", 6379, ""},
		{"*:5432", "db.internal", 5432, ""},
		{"*.5:22", "10.0.0.5", 22, "no rule"}, // a name of digits is no address

		// Where nobody may go, whatever the rules say.
		{"", "localhost", 22, "the target itself"}, {"", "LOCALHOST.", 22, "the target itself"}, {"", "a.localhost", 22, "the target itself"},
		{"127.0.0.0/8:*", "127.0.0.1", 22, "the target itself"}, {"", "127.255.255.254", 22, "the target itself"},
		{"", "::1", 22, "the target itself"}, {"", "0.0.0.0", 22, "the target itself"}, {"", "::", 22, "the target itself"},
		{"", "::ffff:127.0.0.1", 22, "the target itself"}, {"", "64:ff9b::7f00:1", 22, "the target itself"},
		{"", "127.1", 22, "old form"}, {"", "2130706433", 22, "old form"}, {"", "0x7f.1", 22, "old form"}, {"", "0x7f000001", 22, "old form"}, {"", "0177.0.0.1", 22, "old form"},
		{"169.254.169.254:80", "169.254.169.254", 80, "credentials"}, {"", "169.254.170.2", 80, "credentials"}, {"", "169.254.170.23", 80, "credentials"},
		{"", "fd00:ec2::254", 80, "credentials"}, {"", "fd00:ec2::23", 80, "credentials"}, {"", "fe80::1%eth0", 80, "credentials"},
		{"", "::ffff:169.254.169.254", 80, "credentials"}, {"", "64:ff9b::a9fe:a9fe", 80, "credentials"},
		{"*:80", "instance-data.ec2.internal", 80, "credentials"}, {"", "Metadata.google.internal.", 80, "credentials"},
		{"", "224.0.0.1", 80, "many hosts"},
		{"", "", 80, "neither"}, {"", "a b", 80, "neither"}, {"", "a\nb", 80, "neither"}, {"", strings.Repeat("a", 255), 80, "neither"}, {"", "-a", 80, "neither"},
	} {
		rules, err := tc.rules.Rules()
		if err != nil {
			t.Fatal(err)
		}
		got := rules.Denied(tc.host, tc.port)
		if (got == "") != (tc.want == "") || !strings.Contains(got, tc.want) {
			t.Errorf("%q, %s:%d: %q, want %q", tc.rules, tc.host, tc.port, got, tc.want)
		}
	}
	for _, bad := range []Destinations{"db", "db:", ":22", "db:0", "db:70000", "db:http", "*db:22", "a*.b:22", "10.0.0.1/8:22", "fd00::1:443", "db:22,", "a b:22", "[fe80::1%eth0]:*"} {
		if rules, err := bad.Rules(); err == nil {
			t.Errorf("%q is read as %v", bad, rules)
		}
	}
}

func TestDestinationsInFiles(t *testing.T) {
	for text, want := range map[string]string{
		`["*.internal:5432", "10.0.0.0/8:*"]`: "*.internal:5432, 10.0.0.0/8:*",
		`"*.internal:5432, 10.0.0.0/8:*"`:     "*.internal:5432, 10.0.0.0/8:*",
		`db:22`:                               "db:22",
		`[db]`:                                "",
		`{db: 22}`:                            "",
	} {
		var d Destinations
		err := yaml.Unmarshal([]byte(text), &d)
		if want == "" && err == nil || want != "" && (err != nil || string(d) != want) {
			t.Errorf("%s: %q, %v", text, d, err)
		}
	}
}
