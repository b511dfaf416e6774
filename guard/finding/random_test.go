package finding

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
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
		`"Action":"ssm:StartSession"`, `"Action":"ssm:StartSession"`, `"Action":"ssm:*"`, `"Action":"*"`, `"NotAction":"iam:*"`, `"NotAction":["iam:*","sts:*","ssm:GetDocument"]`,
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

// TestRepairsSayWhatTheyOpen: of 200 random neighbours of a request none gets another
// verdict by a repair that is called checked, unless the repair names its kind.
// SSMGUARD_SEEDS says how many sets of policies are tried.
func TestRepairsSayWhatTheyOpen(t *testing.T) {
	seeds := uint64(60)
	if n, err := strconv.ParseUint(os.Getenv("SSMGUARD_SEEDS"), 10, 64); err == nil {
		seeds = n
	}
	looked := 0
	for seed := range seeds {
		d := dice{rand.New(rand.NewPCG(seed, 1))}
		set := d.set(t)
		if d.in(2) {
			set.Identity = append(set.Identity, d.statements(t, policy.Identity, "role/dev, attached", 1, 1)...)
		}
		r, facts := d.request()
		g := guard.Guard{Inventory: guardtest.Fixed(facts), Simulators: []guard.Simulator{guard.Local{Source: guard.Static(set)}}}
		decision, err := checked(t.Context(), &g, r)
		if err != nil {
			t.Fatal(err)
		}
		var around []neighbour
		for range 200 {
			around = append(around, d.neighbour(decision))
		}
		told := make(map[*guard.Fix]bool)
		for _, f := range decision.Findings {
			for fix := f.Fix; fix != nil; fix = fix.Or {
				if !fix.Checked || told[fix] || len(fix.Changes) == 0 {
					continue
				}
				told[fix] = true
				looked++
				after := set
				for _, c := range fix.Changes {
					if after, err = guard.Apply(after, c); err != nil {
						t.Fatal(err)
					}
				}
				for _, n := range around {
					was, is := guard.Evaluate(set, n.Grant).Verdict, guard.Evaluate(after, n.Grant).Verdict
					if was != is && !strings.Contains(fix.Check, " more") && !slices.ContainsFunc(n.kinds, func(kind string) bool { return strings.Contains(fix.Check, kind) }) {
						t.Errorf("seed %d: %s goes from %v to %v on %s, and %s says %q", seed, n.Action, was, is, n.Resource, fix.Text, fix.Check)
						break
					}
				}
			}
		}
	}
	if looked < int(seeds)/4 {
		t.Errorf("only %d repairs were looked at", looked)
	}
}

// neighbour is a grant that a request does not need, and the words of which a repair
// that changes it has to say one.
type neighbour struct {
	guard.Grant
	kinds []string
}

func (d dice) neighbour(decision guard.Decision) neighbour {
	for {
		r, facts := decision.Request, decision.Facts
		switch d.IntN(5) {
		case 0:
			r.Target, facts.TargetTags = d.one("i-00000000000000001", "mi-00000000000000001", "ecs:c_1_1"), nil
		case 1:
			r.Target = "i-00000000000000001"
			facts.TargetTags = map[string]string{"Name": d.one("bastion", "db", "web-1"), "team": d.one("web", "ops")}
		case 2:
			r.Document, facts.DocumentTags = d.one("", "AWS-StartSSHSession", "AWS-StartInteractiveCommand", "Other-Shell", "arn:aws:ssm:us-east-1:444455556666:document/Other"), nil
		case 3:
			r.Region = d.one("us-west-2", "eu-west-1", "ap-south-1")
		}
		gs := guard.Needs(r, facts)
		n := gs[d.IntN(len(gs))]
		other := d.in(2)
		if other {
			n.Action = d.one("ssm:GetDocument", "ssm:DescribeSessions", "ec2:TerminateInstances", "iam:CreateUser", "sts:AssumeRole", "s3:GetObject", "ssm:SendCommand")
			if d.in(3) {
				n.Resource = d.one("arn:aws:s3:::somebody", "*", "arn:aws:iam::111122223333:role/admin", "arn:aws:ssm:us-east-1:111122223333:parameter/secret")
			}
		}
		if slices.ContainsFunc(decision.Grants, func(o guard.Grant) bool {
			return o.Action == n.Action && (o.Resource == n.Resource || n.Action == guard.ActionDataChannel)
		}) {
			continue
		}
		kind := guard.ResourceType(n.Resource)
		switch {
		case other:
			return neighbour{n, []string{"other actions"}}
		case kind == "document":
			return neighbour{n, []string{"document"}}
		case kind == "session":
			return neighbour{n, []string{"sessions"}}
		}
		return neighbour{n, []string{"instances", "managed nodes", "tasks", "targets"}}
	}
}
