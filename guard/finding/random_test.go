package finding

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"ssmguard/guard"
	"ssmguard/guard/guardtest"
	"ssmguard/guard/policy"
)

// dice makes policies of the pieces that policies for sessions are made of.
type dice struct{ *rand.Rand }

func (d dice) one(list ...string) string { return list[d.IntN(len(list))] }

func (d dice) in(n int) bool { return d.IntN(n) == 0 }

var (
	someActions = []string{
		`"Action":"ssm:StartSession"`, `"Action":"ssm:StartSession"`, `"Action":"ssm:*"`, `"Action":"*"`, `"NotAction":"iam:*"`,
		`"Action":["ssm:StartSession","ssm:TerminateSession","ssm:ResumeSession"]`, `"Action":["ssm:GetDocument","ssm:DescribeSessions"]`,
		`"Action":"ssmmessages:OpenDataChannel"`,
	}
	someResources = []string{
		`"Resource":"*"`, `"Resource":"*"`, `"Resource":"*"`,
		`"Resource":"arn:aws:ec2:*:*:instance/*"`,
		`"Resource":["arn:aws:ec2:us-east-1:111122223333:instance/i-0123456789abcdef0","arn:aws:ssm:*:*:document/*"]`,
		`"Resource":["arn:aws:ec2:*:111122223333:instance/*","arn:aws:ssm:*:111122223333:document/AWS-StartSSHSession"]`,
		`"Resource":["arn:aws:ec2:*:111122223333:instance/*","arn:aws:ssm:*::document/SSM-SessionManagerRunShell"]`,
		`"Resource":"arn:aws:ssm:*:111122223333:document/*"`,
		`"Resource":"arn:aws:ssm:*::document/*"`,
		`"Resource":"arn:aws:ssm:us-west-2:*:document/*"`,
		`"Resource":"arn:aws:ssm:us-east-1:111122223333:document/AWS-Start*"`,
		`"Resource":"arn:aws:ssm:*:*:managed-instance/*"`,
		`"Resource":["arn:aws:ec2:*:*:*","arn:aws:ssm:*"]`,
		`"NotResource":"arn:aws:ssm:*:*:document/SSM-SessionManagerRunShell"`,
		`"NotResource":["arn:aws:ssm:*::document/*","arn:aws:ec2:*:*:instance/i-0123456789abcdef0"]`,
		`"Resource":"arn:aws:ssm:*:*:session/${aws:username}-*"`,
		`"Resource":"arn:aws-cn:ssm:*:*:document/*"`,
	}
	someConditions = []string{
		``, ``, ``,
		`{"StringEquals":{"ssm:resourceTag/Name":"bastion"}}`,
		`{"StringNotEquals":{"ssm:resourceTag/Name":"bastion"}}`,
		`{"StringNotLike":{"ssm:resourceTag/Name":"web*"}}`,
		`{"StringNotEqualsIfExists":{"aws:ResourceTag/Name":"bastion"}}`,
		`{"StringEqualsIfExists":{"aws:ResourceTag/Name":["db","bastion"]}}`,
		`{"StringLike":{"aws:ResourceTag/team":"${aws:PrincipalTag/team}"}}`,
		`{"StringNotLike":{"aws:ResourceTag/team":"${aws:PrincipalTag/team}"}}`,
		`{"Null":{"aws:ResourceTag/Name":"true"}}`,
		`{"Null":{"ssm:resourceTag/Name":"false"}}`,
		`{"Bool":{"aws:MultiFactorAuthPresent":"true"}}`,
		`{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}`,
		`{"NumericGreaterThan":{"aws:MultiFactorAuthAge":"3600"}}`,
		`{"Null":{"aws:MultiFactorAuthAge":"true"}}`,
		`{"IpAddress":{"aws:SourceIp":"198.51.100.0/24"}}`,
		`{"NotIpAddress":{"aws:SourceIp":["198.51.100.0/24","10.0.0.0/8"]}}`,
		`{"StringNotEquals":{"aws:SourceVpce":"vpce-1"}}`,
		`{"StringNotEquals":{"aws:RequestedRegion":"us-west-2"}}`,
		`{"StringEquals":{"aws:RequestedRegion":["us-west-2","eu-west-1"]}}`,
		`{"BoolIfExists":{"ssm:SessionDocumentAccessCheck":"true"}}`,
		`{"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/team/*"}}`,
		`{"StringEquals":{"aws:username":"alice"}}`,
		`{"StringLike":{"ssm:resourceTag/aws:ssmmessages:session-id":"${aws:userid}"}}`,
		`{"StringNotEquals":{"ssm:resourceTag/Name":"bastion"},"StringEquals":{"aws:RequestedRegion":"us-east-1"}}`,
	}
)

func (d dice) statement(effect string, kind policy.Kind) string {
	s := `{"Effect":"` + effect + `",` + d.one(someActions...) + `,` + d.one(someResources...)
	if kind == policy.Endpoint {
		s += `,"Principal":"*"`
	}
	if c := d.one(someConditions...); c != "" {
		s += `,"Condition":` + c
	}
	return s + `}`
}

func (d dice) statements(t *testing.T, kind policy.Kind, source string, allows, denies int) []policy.Statement {
	t.Helper()
	var ss []string
	for range allows {
		ss = append(ss, d.statement("Allow", kind))
	}
	for range denies {
		ss = append(ss, d.statement("Deny", kind))
	}
	doc, err := policy.Parse(kind, source, fmt.Appendf(nil, `{"Version":"2012-10-17","Statement":[%s]}`, strings.Join(ss, ",")))
	if err != nil {
		t.Fatal(err)
	}
	return doc.Statements
}

func (d dice) set(t *testing.T) policy.Set {
	t.Helper()
	set := policy.Set{Identity: d.statements(t, policy.Identity, `role/dev, inline "ssm"`, 1+d.IntN(3), d.IntN(2))}
	if d.in(3) {
		set.Boundary = d.statements(t, policy.Boundary, "boundary dev", 2, d.IntN(2))
	}
	if d.in(4) {
		set.Session = d.statements(t, policy.Session, "session policy", 2, d.IntN(2))
	}
	if d.in(5) {
		set.Endpoint = d.statements(t, policy.Endpoint, "endpoint", 2, d.IntN(2))
	}
	if d.in(4) {
		full, err := policy.Parse(policy.SCP, "FullAWSAccess", []byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`))
		if err != nil {
			t.Fatal(err)
		}
		set.SCP = [][]policy.Statement{full.Statements, append(full.Statements[:1:1], d.statements(t, policy.SCP, "SCP guard", 0, 1)...)}
	}
	return set
}

func (d dice) request() (guard.Request, guard.Facts) {
	r := devRequest
	r.Closed = true
	if d.in(4) {
		r.Caller = guard.Caller{SessionARN: "arn:aws:iam::111122223333:user/alice", Principal: "arn:aws:iam::111122223333:user/alice", Account: "111122223333", UserID: "AIDAEXAMPLEALICE00001", MFA: guard.MFAAbsent}
	}
	r.Target = d.one(r.Target, r.Target, "mi-0123456789abcdef0", "ecs:c_0123456789abcdef0123456789abcdef_0123456789abcdef0123456789abcdef-1234567890")
	r.Document = d.one("", "", "AWS-StartSSHSession", "AWS-StartPortForwardingSessionToRemoteHost", "Own-Shell", "arn:aws:ssm:us-east-1:444455556666:document/Shared")
	f := guard.Facts{TargetTags: map[string]string{"Name": d.one("bastion", "db"), "team": "web"}}
	if d.in(3) {
		f.DocumentTags = map[string]string{"Name": "bastion"}
	}
	return r, f
}

// TestRandomRepairs: whatever the policies are, a denial that is wholly seen has
// a repair that works, and what it says of everything else is so.
func TestRandomRepairs(t *testing.T) {
	denied := 0
	for seed := range uint64(250) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			d := dice{rand.New(rand.NewPCG(seed, 0))}
			set := d.set(t)
			r, facts := d.request()
			g := guard.Guard{Inventory: guardtest.Fixed(facts), Simulators: []guard.Simulator{guard.Local{Source: guard.Static(set)}}}
			decision, err := checked(t.Context(), &g, r)
			if err != nil {
				t.Fatal(err)
			}
			if !decision.Verdict().Denies() {
				return
			}
			denied++
			if startFix(decision) == nil {
				t.Error("no repair")
			}
			for _, f := range decision.Findings {
				repaired(t, decision, f)
			}
			if t.Failed() {
				for _, l := range guard.LayersOf(set) {
					for _, s := range l.Statements {
						text, _ := s.MarshalJSON()
						t.Logf("%s %s", l.Kind, text)
					}
				}
				t.Logf("%s %q %v\n%s", r.Target, r.Document, facts, listing(decision.Findings))
			}
		})
	}
	if denied < 100 {
		t.Errorf("only %d requests were denied", denied)
	}
}
