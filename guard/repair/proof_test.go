package repair

import (
	"strings"
	"testing"

	"ssmguard/guard"
	"ssmguard/guard/guardtest"
	"ssmguard/guard/policy"
)

// TestProof: a repair counts as checked only if the request is allowed with it,
// whatever is not known.
func TestProof(t *testing.T) {
	const instances = `{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ec2:*:*:instance/*"}`
	for _, tt := range []struct {
		name, identity, scp string
		checked             bool
	}{
		{"nothing else is in the way", instances, "", true},
		{"a Deny turns on the address", instances, `{"Effect":"Deny","Action":"ssm:*","Resource":"*","Condition":{"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}`, false},
		{"a Deny turns on a second factor", instances, `{"Effect":"Deny","Action":"ssm:*","Resource":"*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}`, false},
		{"a Deny of something else turns on the address", instances, `{"Effect":"Deny","Action":"iam:*","Resource":"*","Condition":{"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}`, true},
	} {
		set := policy.Set{Identity: statements(t, policy.Identity, tt.identity)}
		if tt.scp != "" {
			set.SCP = [][]policy.Statement{statements(t, policy.SCP, `{"Effect":"Allow","Action":"*","Resource":"*"},`+tt.scp)}
		}
		g := guard.Guard{Inventory: guardtest.Fixed(guard.Facts{}), Simulators: []guard.Simulator{guard.Local{Source: guard.Static(set)}}}
		d, err := g.Check(t.Context(), guardtest.DevRequest)
		if err != nil {
			t.Fatal(err)
		}
		d.Findings = []guard.Finding{{Grant: guard.GrantDocument, Level: guard.Error}}
		if !d.Of(guard.GrantDocument).Verdict.Denies() {
			t.Fatalf("%s: the document is %v", tt.name, d.Of(guard.GrantDocument).Verdict)
		}
		fix := Propose(d).Findings[0].Fix
		if fix == nil {
			t.Errorf("%s: no repair", tt.name)
			continue
		}
		if fix.Checked != tt.checked || fix.Checked != strings.Contains(fix.Check, "the document may be used") && fix.Checked != strings.Contains(fix.Check, "the session is allowed") {
			t.Errorf("%s: %+v", tt.name, fix)
		}
	}
}

// TestUnseenIsUnproven: without the policies no repair is checked.
func TestUnseenIsUnproven(t *testing.T) {
	for _, v := range []policy.Verdict{policy.ImplicitDeny, policy.ExplicitDeny} {
		g := guard.Guard{Simulators: []guard.Simulator{guardtest.Opinion{Judge: "iam", Answer: policy.Answer{Verdict: v,
			Layers: []policy.LayerAnswer{{Layer: policy.SCP, Verdict: v}}}}}}
		d, err := g.Check(t.Context(), guardtest.DevRequest)
		if err != nil {
			t.Fatal(err)
		}
		d.Findings = []guard.Finding{{Grant: guard.GrantTarget, Level: guard.Error}}
		fix := Propose(d).Findings[0].Fix
		if fix == nil || fix.Checked || fix.Check != "" || fix.Ask != guard.Owner(policy.SCP) || len(fix.Changes) != 0 {
			t.Errorf("%v: %+v", v, fix)
		}
	}
}

func statements(t *testing.T, kind policy.Kind, text string) []policy.Statement {
	t.Helper()
	doc, err := policy.Parse(kind, kind.String(), []byte(`{"Version":"2012-10-17","Statement":[`+text+`]}`))
	if err != nil {
		t.Fatal(err)
	}
	return doc.Statements
}
