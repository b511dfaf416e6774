package repair

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"ssmguard/guard"
	"ssmguard/guard/guardtest"
	"ssmguard/guard/policy"
)

// TestAfter: the verdicts on neighbours that are taken from like ones, or from before a
// change, are those that each would get by itself.
func TestAfter(t *testing.T) {
	r := rand.New(rand.NewPCG(31, 32))
	one := func(list ...string) string { return list[r.IntN(len(list))] }
	statement := func() string {
		condition := ""
		if r.IntN(2) == 0 {
			condition = fmt.Sprintf(`,"Condition":{%q:{%q:%q}}`, one("StringEquals", "StringNotEquals", "StringLike", "StringNotLikeIfExists"),
				one("aws:PrincipalTag/team", "ssm:resourceTag/team", "aws:SourceVpce", "aws:RequestedRegion"), one("web", "w*", "us-east-1"))
		}
		return fmt.Sprintf(`{"Effect":%q,%q:%s,%q:%q%s}`, one("Allow", "Allow", "Deny"), one("Action", "Action", "NotAction"),
			one(`"ssm:StartSession"`, `"ssm:*"`, `"*"`, `["ssm:Get*","ssm:SendCommand"]`, `["ec2:*","kms:*"]`, `"ssmmessages:*"`),
			one("Resource", "Resource", "NotResource"), one("*", "arn:aws:ec2:*:*:instance/*", "arn:aws:ssm:*:*:document/*", "arn:aws:ssm:us-east-1:*:*", "arn:aws:ssm:*::document/*", "arn:aws:ssm:us-west-2:*:document/SSM-*"), condition)
	}
	for range 80 {
		var list []string
		for range 2 + r.IntN(4) {
			list = append(list, statement())
		}
		set := policy.Set{Identity: statements(t, policy.Identity, strings.Join(list, ","))}
		if r.IntN(2) == 0 {
			set.SCP = [][]policy.Statement{statements(t, policy.SCP, `{"Effect":"Allow","Action":"*","Resource":"*"},`+strings.ReplaceAll(statement(), `"Allow"`, `"Deny"`))}
		}
		request, facts := guardtest.DevRequest, guard.Facts{TargetTags: map[string]string{"team": "web"}}
		if r.IntN(3) == 0 {
			facts = guard.UnknownFacts()
		}
		request.Caller.Unknown = append(request.Caller.Unknown, guard.UnknownPrincipalTags)
		probes := probesFor(request, facts, set)
		var judge policy.Evaluator
		p := plan{d: guard.Decision{Request: request, Facts: facts, Policies: &set}, set: set, probes: probes, judge: &judge, fix: &guard.Fix{}}
		p.before = verdicts(&judge, set, probes)
		p.latest, p.trials = p.before, make(map[guard.Change]trial)
		alone(t, set, probes, p.latest)
		for step := range 3 {
			at := p.set.Identity[r.IntN(len(p.set.Identity))].At
			for _, kind := range []guard.ChangeKind{guard.AddStatement, guard.ReplaceStatement, guard.RemoveStatement} {
				c := guard.Change{Kind: kind, Layer: policy.Identity, Where: fmt.Sprint("step ", step), At: at}
				if kind != guard.RemoveStatement {
					c.Statement = statement()
				}
				changed, err := guard.Apply(p.set, c)
				if err != nil {
					t.Fatal(err)
				}
				after, _ := p.after(changed, c)
				alone(t, changed, probes, after)
				if r.IntN(4) == 0 && len(changed.Identity) > 0 {
					p.apply(c, "")
					alone(t, p.set, probes, p.latest)
					break
				}
			}
		}
	}
}

// alone holds verdicts on probes against those of each by itself.
func alone(t *testing.T, set policy.Set, probes []probe, got []policy.Verdict) {
	t.Helper()
	for i, p := range probes {
		if want := guard.Evaluate(set, p.grant).Verdict; got[i] != want {
			t.Fatalf("%s: %s on %s is %v, want %v", p.label, p.grant.Action, p.grant.Resource, got[i], want)
		}
	}
}
