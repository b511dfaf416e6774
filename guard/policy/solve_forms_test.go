package policy

import (
	"fmt"
	"slices"
	"testing"

	"ssmguard/guard/policy/automata"
)

func TestForms(t *testing.T) {
	tests := []struct {
		name     string
		form     automata.NFA
		yes, nos []string
	}{
		{"age", ageForm(), []string{"0", "9", "300", "59.5", "129600", "0.25"}, []string{"", "-1", "07", "1234567", "3.", "x"}},
		{"epoch", epochForm(), []string{"999999999", "1773480413"}, []string{"0", "12345678901", "1773480413.5", "-1773480413"}},
		{"date", dateForm(), []string{"2026-03-14T09:26:53Z", "1999-12-31T23:59:59.123Z"}, []string{"2026-03-14", "2026-13-01T00:00:00Z", "2026-03-32T00:00:00Z", "2026-03-14T24:00:00Z"}},
		{"account", accountForm(), []string{"111122223333"}, []string{"", "11112222333", "1111222233334", "11112222333x"}},
		{"organization", organizationForm(), []string{"o-a1b2c3d4e5", "o-z"}, []string{"o-", "O-a", "o-A"}},
		{"ARN", arnForm(), []string{"arn:aws:iam::111122223333:role/x", "arn:aws-cn:ec2:r:a:b:c"}, []string{"arn:aws:iam::1:", "arn:aws:iam::1", "x"}},
		{"principal type", principalTypeForm(), []string{"User", "AssumedRole"}, []string{"user", "Role", ""}},
		{"region", regionForm(), []string{"us-east-1", "ap-southeast-2", "us-gov-west-1"}, []string{"us", "us-east", "US-east-1", "us-east-0"}},
		{"user name", userNameForm(), []string{"alice", "dave+ops@example.com", "a=b,c_d-e"}, []string{"", "a/b", "a b", "a:b", "a*"}},
		{"address", addressForm(), []string{"0.0.0.0", "255.249.199.99", "10.0.0.1", "2001:db8::1", "::", "::ffff:10.0.0.1", "2001:DB8::1"}, []string{"256.0.0.1", "10.0.0", "10.0.0.1.1", "01.0.0.1", "x::", ""}},
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

// Every form has texts, and classes finds one.
func TestFormsAreNotEmpty(t *testing.T) {
	for key, f := range keyForms {
		if f.text == nil {
			continue
		}
		n := f.text()
		left := searchBudget
		found, all := automata.Classes([]automata.NFA{automata.Glob(wild("?*"), 0)}, &n, &left)
		if !all || len(found) != 1 || !found[0].Matches || !n.Accepts(found[0].Text) {
			t.Errorf("%s: %v, all %v", key, found, all)
		}
	}
}

// A variable whose values cannot look like what the pattern needs decides nothing.
func TestFormsSettleVariables(t *testing.T) {
	tests := []struct {
		variable, resource string
		want               Verdict
	}{
		{"aws:SourceIp", "i-0123", ImplicitDeny},
		{"aws:SourceIp", "10.0.0.1-x", Unknown},
		{"aws:SourceIp", "2001:db8::1-x", Unknown},
		{"aws:CurrentTime", "i-0123", ImplicitDeny},
		{"aws:CurrentTime", "2026-03-14T09:26:53Z-x", Unknown},
		{"aws:EpochTime", "i-0123", ImplicitDeny},
		{"aws:EpochTime", "1773480413-x", Unknown},
		{"aws:MultiFactorAuthAge", "i-0123", ImplicitDeny},
		{"aws:MultiFactorAuthAge", "123-x", Unknown},
		{"aws:SecureTransport", "i-0123", ImplicitDeny},
		{"aws:SecureTransport", "true-x", Unknown},
		{"aws:PrincipalAccount", "i-0123", ImplicitDeny},
		{"aws:PrincipalAccount", "111122223333-x", Unknown},
		{"aws:PrincipalOrgID", "i-0123", ImplicitDeny},
		{"aws:PrincipalArn", "i-0123", ImplicitDeny},
		{"aws:PrincipalType", "User-x", Unknown},
		{"aws:RequestedRegion", "us-east-1-x", Unknown},
		{"aws:RequestedRegion", "i-0123", ImplicitDeny},
		{"aws:username", "i-0123", Unknown},
		{"aws:username", "/i-0123", ImplicitDeny},
		{"aws:PrincipalTag/any", "/i-0123", Unknown},
	}
	for _, tt := range tests {
		list := fmt.Sprintf(`{"Effect":"Allow","Action":"*","Resource":"arn:aws:ec2:*:*:instance/${%s}-*"}`, tt.variable)
		set := Set{Identity: statements(t, Identity, "p", list)}
		var c Context
		c.SetUnknown(tt.variable)
		a := set.Evaluate(startVerb, "arn:aws:ec2:us-east-1:111122223333:instance/"+tt.resource, c)
		if a.Verdict != tt.want || (tt.want == Unknown) != slices.Equal(a.DependsOn, []string{tt.variable}) {
			t.Errorf("%s against %s: got %v, which depends on %q", tt.variable, tt.resource, a.Verdict, a.DependsOn)
		}
	}
}

// Texts and numbers asked of one key are settled together or not at all.
func TestFormsWithComparisons(t *testing.T) {
	tests := []struct {
		name, list string
		want       Verdict
	}{
		{"an address within and as text", `{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}},
			{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}}},
			{"Effect":"Allow","Action":"*","Resource":"arn:aws:ec2:*:*:instance/${aws:SourceIp}"},` + allowAll, ExplicitDeny},
		{"a date that no clock shows", `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:CurrentTime":"noon"}}}`, ImplicitDeny},
		{"a date as text", `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringLike":{"aws:CurrentTime":"2026-01-31T*"}}}`, Unknown},
		{"an account of eleven digits", `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalAccount":"11112222333"}}}`, ImplicitDeny},
		{"an account of twelve", `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalAccount":"111122223333"}}}`, Unknown},
		{"two regions", `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:RequestedRegion":"us-east-1"},"StringLike":{"aws:RequestedRegion":"eu-*"}}}`, ImplicitDeny},
		{"an ARN in another case", `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringLike":{"aws:PrincipalArn":"ARN:*"}}}`, ImplicitDeny},
	}
	for _, tt := range tests {
		var c Context
		c.SetUnknown("*")
		if got := (Set{Identity: statements(t, Identity, "p", tt.list)}).Evaluate(startVerb, instance, c); got.Verdict != tt.want {
			t.Errorf("%s: got %v, which depends on %q", tt.name, got.Verdict, got.DependsOn)
		}
	}
}
