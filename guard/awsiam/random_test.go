package awsiam

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"ssmguard/guard/policy"
	"ssmguard/internal/sandbox/world"
)

// dice makes accounts of the pieces that policies for sessions are made of.
type dice struct{ *rand.Rand }

func (d dice) one(list ...string) string { return list[d.IntN(len(list))] }
func (d dice) in(n int) bool             { return d.IntN(n) == 0 }

var (
	someActions = []string{
		`"Action":"ssm:StartSession"`, `"Action":"ssm:StartSession"`, `"Action":"ssm:*"`, `"Action":"*"`, `"Action":["SSM:start*","ec2:*"]`,
		`"NotAction":"iam:*"`, `"NotAction":"ssm:*"`,
	}
	someResources = []string{
		`"Resource":"*"`, `"Resource":"*"`, `"Resource":"*"`,
		`"Resource":"arn:aws:ec2:*:*:instance/*"`,
		`"Resource":["arn:aws:ec2:*:111122223333:instance/*","arn:aws:ssm:*:*:managed-instance/*","arn:aws:ssm:*:*:document/*"]`,
		`"Resource":"arn:aws:ssm:*:111122223333:document/*"`,
		`"Resource":"arn:aws:ssm:*::document/AWS-*"`,
		`"Resource":"arn:aws:ssm:eu-central-1:111122223333:document/SSM-SessionManagerRunShell"`,
		`"Resource":["arn:aws:ec2:*:*:*","arn:aws:ssm:*"]`,
		`"NotResource":"arn:aws:ssm:*:*:document/SSM-SessionManagerRunShell"`,
		`"NotResource":"arn:aws:ec2:*:*:instance/${aws:PrincipalTag/node, 'none'}"`,
		`"Resource":"arn:aws:ssm:*:*:document/${aws:PrincipalTag/team, 'SSM-SessionManagerRunShell'}"`,
		`"NotResource":"arn:aws:ssm:*:*:document/*${aws:username}"`,
	}
	someConditions = []string{
		``, ``, ``,
		`{"StringEquals":{"SSM:ResourceTag/name":"bastion"}}`,
		`{"StringNotEquals":{"ssm:resourceTag/Name":"bastion"}}`,
		`{"StringNotEqualsIfExists":{"aws:ResourceTag/Name":"bastion"}}`,
		`{"StringEqualsIfExists":{"aws:ResourceTag/Name":["db","bastion"]}}`,
		`{"StringLike":{"aws:ResourceTag/team":"${aws:PrincipalTag/team}"}}`,
		`{"StringNotLike":{"aws:ResourceTag/team":"${aws:PrincipalTag/team}"}}`,
		`{"Null":{"aws:ResourceTag/Name":"true"}}`,
		`{"ForAnyValue:StringEquals":{"aws:PrincipalTag/team":["web","data"]}}`,
		`{"ForAllValues:StringEquals":{"aws:TagKeys":["x"]}}`,
		`{"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"o-exampleorgid/*"}}`,
		`{"StringNotEqualsIfExists":{"aws:PrincipalOrgID":"o-exampleorgid"}}`,
		`{"Bool":{"aws:MultiFactorAuthPresent":"true"}}`,
		`{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}`,
		`{"NumericLessThan":{"aws:MultiFactorAuthAge":"3600"}}`,
		`{"Null":{"aws:MultiFactorAuthAge":"true"}}`,
		`{"IpAddress":{"aws:SourceIp":"198.51.100.0/24"}}`,
		`{"NotIpAddress":{"aws:SourceIp":["198.51.100.0/24","10.0.0.0/8"]}}`,
		`{"StringNotEqualsIfExists":{"aws:SourceVpce":"vpce-1"}}`,
		`{"StringNotEquals":{"aws:RequestedRegion":"us-east-1"}}`,
		`{"Bool":{"ssm:SessionDocumentAccessCheck":"true"}}`,
		`{"Bool":{"ssm:SessionDocumentAccessCheck":"false"}}`,
		`{"BoolIfExists":{"ssm:SessionDocumentAccessCheck":"true"}}`,
		`{"DateLessThan":{"aws:TokenIssueTime":"2030-01-01T00:00:00Z"}}`,
		`{"ArnNotLike":{"aws:PrincipalArn":["arn:aws:iam::*:role/team/*","arn:aws:iam::*:user/*"]}}`,
		`{"StringLike":{"aws:userid":"*:ann"}}`,
		`{"StringNotEquals":{"aws:username":"ann"}}`,
		`{"StringEquals":{"aws:PrincipalType":"AssumedRole"}}`,
		`{"StringEquals":{"aws:FederatedProvider":"accounts.example.com"}}`,
		`{"Null":{"aws:CalledVia":"true"}}`,
		`{"StringEquals":{"aws:ResourceAccount":"${aws:PrincipalAccount}"}}`,
		`{"StringNotEquals":{"aws:ResourceOrgID":"o-exampleorgid"}}`,
		`{"StringEquals":{"ssm:DocumentType":"Session"}}`,
		`{"StringEquals":{"saml:sub":"x"}}`,
		`{"NumericGreaterThanEquals":{"ec2:RoleDelivery":"2.0"}}`,
		`{"StringEqualsIfExists":{"ssm:AccessRequestId":"oi-1"}}`,
	}
	// someKeys are what AWS may see of a request and the caller cannot tell.
	someKeys = []struct {
		key    string
		values []string
		roles  bool // only in a role's session
	}{
		{"aws:SourceIp", []string{"198.51.100.7", "10.1.1.1"}, false},
		{"aws:SourceVpce", []string{"vpce-1"}, false},
		{"aws:ResourceOrgID", []string{"o-exampleorgid"}, false},
		{"ssm:SessionDocumentAccessCheck", []string{"true"}, false},
		{"ec2:RoleDelivery", []string{"1.0", "2.0"}, true},
		{"saml:sub", []string{"x"}, true},
	}
)

func (d dice) statement(effect, principal string) string {
	s := `{"Effect":"` + effect + `",` + principal + d.one(someActions...) + `,` + d.one(someResources...)
	if c := d.one(someConditions...); c != "" {
		s += `,"Condition":` + c
	}
	return s + `}`
}

const anyPrincipal = `"Principal":"*",`

// limit is a policy that leaves everything but StartSession alone.
func (d dice) limit(principal string) string {
	return statement(`[{"Effect":"Allow",` + principal + `"NotAction":"ssm:StartSession","Resource":"*"},` +
		d.statement("Allow", principal) + `,` + d.statement("Allow", principal) + `,` + d.statement(d.one("Allow", "Deny"), principal) + `]`)
}

// world is an account with one caller.
func (d dice) world(mc matrixCaller, reads string) world.World {
	role := strings.HasPrefix(mc.login.Principal, "role/")
	w := world.World{Account: testAccount, Region: testRegion, OldSimulator: d.in(6), Context: make(map[string]string),
		Nodes: []world.Node{
			{ID: bastion, Ping: "Online", Tags: map[string]string{"Name": d.one("bastion", "db"), "team": d.one("data", "web")}},
			{ID: "mi-0123456789abcdef0", Ping: "Online", Tags: map[string]string{"Name": "bastion"}},
		},
		Documents: []world.Document{{Name: "Own-Shell", Tags: map[string]string{"Name": "bastion"},
			Content: `{"schemaVersion":"1.0","description":"x","sessionType":"Standard_Stream","inputs":{}}`}},
	}
	for _, k := range someKeys {
		if d.in(3) && (role || !k.roles) {
			w.Context[k.key] = d.one(k.values...)
		}
	}
	in := []world.Policy{inline("p", statement(`[`+d.statement("Allow", "")+`,`+d.statement("Allow", "")+`,`+d.statement(d.one("Allow", "Deny"), "")+`]`))}
	if reads != "" {
		in = append(in, inline("read", statement(`{"Effect":"Allow","Action":[`+reads+`],"Resource":"*"}`)))
	}
	boundary, login := "", mc.login
	if d.in(4) {
		boundary = "Limit"
		w.Policies = []world.Policy{{Name: boundary, Document: d.limit("")}}
	}
	if d.in(4) && role {
		login.Policies = []string{d.limit("")}
	}
	if d.in(6) {
		w.Endpoint = &world.Policy{Name: "endpoint", Document: d.limit(anyPrincipal)}
	}
	if d.in(2) {
		organization(d.statement("Deny", ""))(&w, nil)
		w.Organization.Delegated = d.in(2)
		w.Organization.ManagementAccount = d.one("999988887777", "999988887777", testAccount)
	}
	login.Name = "it"
	mc.place(&w, in, boundary)
	w.Logins = []world.Login{login}
	return w
}

// TestRandomWorlds: whatever the account's policies are, whoever calls and
// whatever they may read, a session that the account lets start is never stopped,
// and one that it refuses is called allowed only where a layer refuses that cannot
// be read.
func TestRandomWorlds(t *testing.T) {
	for seed := range uint64(150) {
		d := dice{rand.New(rand.NewPCG(seed, 1))}
		mc, rd := matrixCallers[d.IntN(len(matrixCallers))], readings[d.IntN(len(readings))]
		w := d.world(mc, rd.actions)
		target, document := d.one(bastion, bastion, "mi-0123456789abcdef0"), d.one("", "AWS-StartSSHSession", "Own-Shell")
		t.Run(fmt.Sprintf("%d/%s/%s", seed, mc.name, rd.name), func(t *testing.T) {
			t.Parallel()
			c, _ := serve(t, w, Options{})
			decision := check(t, c, target, document)
			err := startSession(t.Context(), c, target, document)
			refused := KindOf(err) == KindDenied
			switch v := decision.Verdict(); {
			case v.Denies() && !refused:
				t.Errorf("a false stop")
			case v == policy.Allow && refused && !unreadable(err, decision.Policies.Partial):
				t.Errorf("called allowed, and AWS says %v", err)
			default:
				return
			}
			t.Logf("%s %q, world %+v", target, document, w)
			for _, r := range decision.Rulings {
				if !r.Grant.Advisory {
					t.Logf("%s %s: %v %v", r.Judge, r.Grant.ID, r.Answer.Verdict, r.Answer.DependsOn)
				}
			}
		})
	}
}

// unreadable reports whether the layer that refuses is one the caller could not read.
func unreadable(err error, partial []policy.Kind) bool {
	text := err.Error()
	return strings.Contains(text, "session policy") || strings.Contains(text, "VPC endpoint policy") ||
		strings.Contains(text, "service control policy") && slices.Contains(partial, policy.SCP)
}
