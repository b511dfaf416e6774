package policy

import (
	"fmt"
	"slices"
	"testing"

	"ssmguard/guard/policy/automata"
)

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
