package guardtest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"ssmguard/guard"
	"ssmguard/guard/policy"
)

// Dice makes policies and requests of the pieces that those for sessions are made of.
type Dice struct{ *rand.Rand }

// NewDice returns dice that always fall alike for the same two numbers.
func NewDice(seed, stream uint64) Dice { return Dice{rand.New(rand.NewPCG(seed, stream))} }

func (d Dice) one(list ...string) string { return list[d.IntN(len(list))] }

// In is true in one of n throws.
func (d Dice) In(n int) bool { return d.IntN(n) == 0 }

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

func (d Dice) statement(effect string, kind policy.Kind) string {
	s := `{"Effect":"` + effect + `",` + d.one(someActions...) + `,` + d.one(someResources...)
	if kind == policy.Endpoint {
		s += `,"Principal":"*"`
	}
	if c := d.one(someConditions...); c != "" {
		s += `,"Condition":` + c
	}
	return s + `}`
}

// Statements returns the statements of one policy, so many of either effect.
func (d Dice) Statements(kind policy.Kind, source string, allows, denies int) []policy.Statement {
	var ss []string
	for range allows {
		ss = append(ss, d.statement("Allow", kind))
	}
	for range denies {
		ss = append(ss, d.statement("Deny", kind))
	}
	doc, err := policy.Parse(kind, source, fmt.Appendf(nil, `{"Version":"2012-10-17","Statement":[%s]}`, strings.Join(ss, ",")))
	if err != nil {
		panic(err) // the pieces are part of the program
	}
	return doc.Statements
}

// Set returns a caller's policies, in some or all layers.
func (d Dice) Set() policy.Set {
	set := policy.Set{Identity: d.Statements(policy.Identity, `role/dev, inline "ssm"`, 1+d.IntN(3), d.IntN(2))}
	if d.In(3) {
		set.Boundary = d.Statements(policy.Boundary, "boundary dev", 2, d.IntN(2))
	}
	if d.In(4) {
		set.Session = d.Statements(policy.Session, "session policy", 2, d.IntN(2))
	}
	if d.In(5) {
		set.Endpoint = d.Statements(policy.Endpoint, "endpoint", 2, d.IntN(2))
	}
	if d.In(4) {
		full, err := policy.Parse(policy.SCP, "FullAWSAccess", []byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`))
		if err != nil {
			panic(err)
		}
		set.SCP = [][]policy.Statement{full.Statements, append(full.Statements[:1:1], d.Statements(policy.SCP, "SCP guard", 0, 1)...)}
	}
	return set
}

// Request returns a request in a closed world, and what can be read of its resources.
func (d Dice) Request() (guard.Request, guard.Facts) {
	r := DevRequest
	r.Closed = true
	if d.In(4) {
		r.Caller = guard.Caller{SessionARN: "arn:aws:iam::111122223333:user/alice", Principal: "arn:aws:iam::111122223333:user/alice", Account: "111122223333", UserID: "AIDAEXAMPLEALICE00001", MFA: guard.MFAAbsent}
	}
	r.Target = d.one(r.Target, r.Target, "mi-0123456789abcdef0", "ecs:c_0123456789abcdef0123456789abcdef_0123456789abcdef0123456789abcdef-1234567890")
	r.Document = d.one("", "", "AWS-StartSSHSession", "AWS-StartPortForwardingSessionToRemoteHost", "Own-Shell", "arn:aws:ssm:us-east-1:444455556666:document/Shared")
	f := guard.Facts{TargetTags: map[string]string{"Name": d.one("bastion", "db"), "team": "web"}}
	if d.In(3) {
		f.DocumentTags = map[string]string{"Name": "bastion"}
	}
	return r, f
}

// Neighbour is a grant that a request does not need.
type Neighbour struct {
	guard.Grant
	kinds []string // the words of which a repair that changes it has to say one
}

// Named reports whether the check of a repair says that the neighbour may change.
func (n Neighbour) Named(check string) bool {
	return strings.Contains(check, " more") || slices.ContainsFunc(n.kinds, func(kind string) bool { return strings.Contains(check, kind) })
}

// Neighbour returns a grant of another request than that of a decision, or of another action.
func (d Dice) Neighbour(decision guard.Decision) Neighbour {
	for {
		r, facts := decision.Request, decision.Facts
		switch d.IntN(5) {
		case 0:
			r.Target, facts.TargetTags = d.one("i-00000000000000001", "mi-00000000000000001", "ecs:c_1_1"), nil
		case 1:
			r.Target = "i-00000000000000001"
			facts.TargetTags = map[string]string{"Name": d.one("bastion", "db", "web-1"), "team": d.one("web", "ops")}
		case 2:
			// The request's own document has its own tags, whatever is done to it.
			if name := d.one("", "AWS-StartSSHSession", "AWS-StartInteractiveCommand", "Other-Shell", "arn:aws:ssm:us-east-1:444455556666:document/Other"); name != r.Document {
				r.Document, facts.DocumentTags = name, nil
			}
		case 3:
			r.Region = d.one("us-west-2", "eu-west-1", "ap-south-1")
		}
		gs := guard.Needs(r, facts)
		n := gs[d.IntN(len(gs))]
		other := d.In(2)
		if other {
			n.Action = d.one("ssm:GetDocument", "ssm:DescribeSessions", "ec2:TerminateInstances", "iam:CreateUser", "sts:AssumeRole", "s3:GetObject", "ssm:SendCommand")
			if d.In(3) {
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
			return Neighbour{n, []string{"other actions"}}
		case kind == "document":
			return Neighbour{n, []string{"document"}}
		case kind == "session":
			return Neighbour{n, []string{"sessions"}}
		}
		return Neighbour{n, []string{"instances", "managed nodes", "tasks", "targets"}}
	}
}
