package automata

import "testing"

func TestForms(t *testing.T) {
	tests := []struct {
		name     string
		form     NFA
		yes, nos []string
	}{
		{"age", Ages(), []string{"0", "9", "300", "59.5", "129600", "0.25"}, []string{"", "-1", "07", "1234567", "3.", "x"}},
		{"epoch", Epochs(), []string{"999999999", "1773480413"}, []string{"0", "12345678901", "1773480413.5", "-1773480413"}},
		{"date", Dates(), []string{"2026-03-14T09:26:53Z", "1999-12-31T23:59:59.123Z"}, []string{"2026-03-14", "2026-13-01T00:00:00Z", "2026-03-32T00:00:00Z", "2026-03-14T24:00:00Z"}},
		{"account", Accounts(), []string{"111122223333"}, []string{"", "11112222333", "1111222233334", "11112222333x"}},
		{"organization", Organizations(), []string{"o-a1b2c3d4e5", "o-z"}, []string{"o-", "O-a", "o-A"}},
		{"ARN", ARNs(), []string{"arn:aws:iam::111122223333:role/x", "arn:aws-cn:ec2:r:a:b:c"}, []string{"arn:aws:iam::1:", "arn:aws:iam::1", "x"}},
		{"principal type", PrincipalTypes(), []string{"User", "AssumedRole"}, []string{"user", "Role", ""}},
		{"region", Regions(), []string{"us-east-1", "ap-southeast-2", "us-gov-west-1"}, []string{"us", "us-east", "US-east-1", "us-east-0"}},
		{"user name", UserNames(), []string{"alice", "dave+ops@example.com", "a=b,c_d-e"}, []string{"", "a/b", "a b", "a:b", "a*"}},
		{"address", Addresses(), []string{"0.0.0.0", "255.249.199.99", "10.0.0.1", "2001:db8::1", "::", "::ffff:10.0.0.1", "2001:DB8::1"}, []string{"256.0.0.1", "10.0.0", "10.0.0.1.1", "01.0.0.1", "x::", ""}},
	}
	for _, tt := range tests {
		for _, s := range tt.yes {
			if !tt.form.Accepts(s) {
				t.Errorf("%s: %q is not taken", tt.name, s)
			}
		}
		for _, s := range tt.nos {
			if tt.form.Accepts(s) {
				t.Errorf("%s: %q is taken", tt.name, s)
			}
		}
	}
}
