package repair_test

import (
	"slices"
	"strings"
	"testing"

	"ssmguard/guard"
	"ssmguard/guard/finding"
	"ssmguard/guard/policy"
	"ssmguard/guard/repair"
)

// TestMergedFixes: the repairs of target, document, own sessions and data channel are one,
// which is proven as a whole; a statement that two of them change is changed once.
func TestMergedFixes(t *testing.T) {
	for _, test := range []struct {
		name, identity string
		scp            string
		changes        int
		says           string
	}{
		{"three groups", `{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ec2:*:*:instance/*"}`, "",
			3, "with these changes the session is allowed, own sessions can be resumed and ended and the data channel is allowed, and nothing else changes"},
		{"one group", `{"Effect":"Allow","Action":["ssm:StartSession","ssm:ResumeSession","ssm:TerminateSession","ssmmessages:*"],"Resource":["arn:aws:ec2:*:*:instance/*","arn:aws:ssm:*:*:session/*"]}`, "",
			1, "with this statement the session is allowed, and nothing else changes"},
		{"one statement, twice", `{"Effect":"Allow","Action":"*","Resource":"*"}`,
			`{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","NotAction":"iam:*","Resource":"*"}`,
			1, "with this change the session is allowed, own sessions can be resumed and ended and the data channel is allowed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			set := policy.Set{Identity: parsed(t, policy.Identity, test.identity)}
			if test.scp != "" {
				set.SCP = [][]policy.Statement{parsed(t, policy.SCP, test.scp)}
			}
			r := guard.Request{Region: "us-east-1", Target: "i-0123456789abcdef0", Caller: guard.Caller{
				SessionARN: "arn:aws:sts::111122223333:assumed-role/dev/alice", Principal: "arn:aws:iam::111122223333:role/dev", Account: "111122223333", Partition: "aws"}}
			g := guard.Guard{Simulators: []guard.Simulator{guard.Local{Source: guard.Static(set)}}}
			d, err := g.Check(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			d = repair.Merge(repair.Propose(finding.Explain(d)))
			if d.Fix == nil || !d.Fix.Checked || len(d.Fix.Changes) != test.changes || !strings.Contains(d.Fix.Check, test.says) {
				t.Fatalf("%+v", d.Fix)
			}
			after := set
			for _, c := range d.Fix.Changes {
				if after, err = guard.Apply(after, c); err != nil {
					t.Fatal(err)
				}
			}
			for _, need := range d.Grants {
				if slices.Contains(d.Fix.Grants, need.ID) && guard.Evaluate(after, need).Verdict != policy.Allow {
					t.Errorf("%s is not allowed with it", need.ID)
				}
			}
		})
	}
}

func parsed(t *testing.T, kind policy.Kind, statements string) []policy.Statement {
	t.Helper()
	doc, err := policy.Parse(kind, kind.String()+" policy", []byte(`{"Version":"2012-10-17","Statement":[`+statements+`]}`))
	if err != nil {
		t.Fatal(err)
	}
	return doc.Statements
}
