package awsiam

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"ssmguard/guard/policy"
	"ssmguard/internal/awsapi"
	"ssmguard/internal/sandbox/world"
)

// matrixCaller is one kind of caller: how to put policies on them and log in.
type matrixCaller struct {
	name  string
	place func(w *world.World, inline []world.Policy, boundary string)
	login world.Login
	blind bool // no API of IAM serves these credentials
	twin  bool // much like another caller: two readings will do
}

func onRole(name, path string) func(*world.World, []world.Policy, string) {
	return func(w *world.World, in []world.Policy, boundary string) {
		w.Roles = append(w.Roles, world.Role{Principal: world.Principal{
			Name: name, Path: path, Inline: in, Boundary: boundary, Tags: map[string]string{"team": "data"},
		}})
	}
}

func onUser(w *world.World, in []world.Policy, boundary string) {
	w.Users = append(w.Users, world.User{Principal: world.Principal{
		Name: "ann", Path: "/staff/", Inline: in, Boundary: boundary, Tags: map[string]string{"team": "data"},
	}})
}

// onGroup gives the user nothing but membership.
func onGroup(w *world.World, in []world.Policy, boundary string) {
	w.Groups = append(w.Groups, world.Group{Name: "ops", Inline: in})
	w.Users = append(w.Users, world.User{Principal: world.Principal{Name: "ann", Boundary: boundary, Tags: map[string]string{"team": "data"}}, Groups: []string{"ops"}})
}

const ssoName = "AWSReservedSSO_Dev_0123456789abcdef"

var matrixCallers = []matrixCaller{
	{name: "user", place: onUser, login: world.Login{Principal: "user/ann"}},
	{name: "user by group", place: onGroup, login: world.Login{Principal: "user/ann"}, twin: true},
	{name: "GetSessionToken", place: onUser, login: world.Login{Principal: "user/ann", Temporary: true}, blind: true},
	{name: "GetSessionToken with MFA", place: onUser, login: world.Login{Principal: "user/ann", Temporary: true, MFA: true}, twin: true},
	{name: "role", place: onRole("dev", "/team/a/"), login: world.Login{Principal: "role/dev", Session: "ann"}},
	{name: "role with MFA", place: onRole("dev", "/"), login: world.Login{Principal: "role/dev", Session: "ann", MFA: true}, twin: true},
	{name: "role with session tags", place: onRole("dev", "/"), login: world.Login{Principal: "role/dev", Session: "ann", Tags: map[string]string{"team": "web"}}, twin: true},
	{name: "SSO", place: onRole(ssoName, "/aws-reserved/sso.amazonaws.com/eu-west-1/"), login: world.Login{Principal: "role/" + ssoName, Session: "ann@example.com"}},
	{name: "SSO at home in us-east-1", place: onRole(ssoName, "/aws-reserved/sso.amazonaws.com/"), login: world.Login{Principal: "role/" + ssoName, Session: "ann"}, twin: true},
	{name: "web identity", place: onRole("dev", "/"), login: world.Login{Principal: "role/dev", Session: "web", Provider: "accounts.example.com"}, twin: true},
	{name: "federated user", place: onUser, login: world.Login{Principal: "federated/ann/bob", Policies: []string{allowStart}}, blind: true, twin: true},
	{name: "root", place: onUser, login: world.Login{Principal: "root"}, twin: true},
}

// situation is what the account's policies say, beside what the caller may read.
type situation struct {
	name    string
	own     []string // inline policies
	edge    func(w *world.World, l *world.Login)
	plain   bool // decided by layers a caller can read, on keys a caller knows
	limited bool // a boundary that leaves out AWS's documents
}

func statement(s string) string { return `{"Version":"2012-10-17","Statement":` + s + `}` }

const ownDocumentsOnly = `[{"Effect":"Allow","NotAction":"ssm:StartSession","Resource":"*"},{"Effect":"Allow","Action":"ssm:StartSession","Resource":["arn:aws:ec2:*:*:instance/*","arn:aws:ssm:*:111122223333:document/*"]}]`

func organization(scps ...string) func(*world.World, *world.Login) {
	return func(w *world.World, _ *world.Login) {
		level := world.Level{ID: "r-abcd", SCPs: []world.Policy{{Name: "FullAWSAccess", AWS: true, Document: statement(`{"Effect":"Allow","Action":"*","Resource":"*"}`)}}}
		own := world.Level{ID: testAccount, SCPs: slices.Clone(level.SCPs)}
		for i, s := range scps {
			own.SCPs = append(own.SCPs, world.Policy{Name: "guard" + string(rune('a'+i)), Document: statement(s)})
		}
		w.Organization = &world.Organization{ID: "o-exampleorgid", ManagementAccount: "999988887777", Levels: []world.Level{level, own}}
	}
}

var situations = []situation{
	{name: "allowed", own: []string{allowStart}, plain: true},
	{name: "no document", own: []string{statement(`{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ec2:*:*:instance/*"}`)}, plain: true},
	{name: "tag on everything", own: []string{statement(`{"Effect":"Allow","Action":"ssm:StartSession","Resource":"*","Condition":{"StringEquals":{"ssm:resourceTag/Name":"bastion"}}}`)}, plain: true},
	{name: "document denied", own: []string{allowStart, statement(`{"Effect":"Deny","Action":"ssm:StartSession","Resource":"arn:aws:ssm:*:*:document/*"}`)}, plain: true},
	{name: "boundary", own: []string{allowStart}, limited: true, plain: true},
	{name: "MFA guard", own: []string{allowStart, statement(`{"Effect":"Deny","Action":"ssm:*","Resource":"*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}`)}},
	{name: "MFA wanted", own: []string{statement(`{"Effect":"Allow","Action":"ssm:StartSession","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}`)}},
	{name: "own team", own: []string{statement(`{"Effect":"Allow","Action":"ssm:StartSession","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/team":"web"}}}`)}},
	{name: "office only", own: []string{allowStart, statement(`{"Effect":"Deny","Action":"ssm:*","Resource":"*","Condition":{"NotIpAddress":{"aws:SourceIp":"198.51.100.0/24"}}}`)}, edge: fromOffice},
	{name: "old access check", own: []string{statement(`{"Effect":"Allow","Action":"ssm:StartSession","Resource":"*","Condition":{"BoolIfExists":{"ssm:SessionDocumentAccessCheck":"true"}}}`)}},
	{name: "session policy", own: []string{allowStart}, edge: func(_ *world.World, l *world.Login) {
		if strings.HasPrefix(l.Principal, "role/") {
			l.Policies = []string{statement(ownDocumentsOnly)}
		}
	}},
	{name: "endpoint policy", own: []string{allowStart}, edge: func(w *world.World, _ *world.Login) {
		w.Endpoint = &world.Policy{Name: "endpoint", Document: statement(`[{"Effect":"Allow","Principal":"*","NotAction":"ssm:StartSession","Resource":"*"},{"Effect":"Allow","Principal":"*","Action":"ssm:StartSession","Resource":["arn:aws:ec2:*:*:instance/*","arn:aws:ssm:*:111122223333:document/*"]}]`)}
	}},
	{name: "SCP", own: []string{allowStart}, edge: organization(`{"Effect":"Deny","Action":"ssm:StartSession","Resource":"*","Condition":{"StringNotEquals":{"aws:RequestedRegion":"us-east-1"}}}`)},
	{name: "SCP perimeter", own: []string{allowStart}, edge: func(w *world.World, l *world.Login) {
		organization(`{"Effect":"Deny","Action":"ssm:StartSession","Resource":"*","Condition":{"NotIpAddressIfExists":{"aws:SourceIp":"198.51.100.0/24"}}}`)(w, l)
		fromOffice(w, l)
	}},
	{name: "management account", own: []string{allowStart}, edge: func(w *world.World, l *world.Login) {
		organization(`{"Effect":"Deny","Action":"ssm:StartSession","Resource":"*"}`)(w, l)
		w.Organization.ManagementAccount = testAccount
	}},
}

func fromOffice(w *world.World, _ *world.Login) {
	w.Context = map[string]string{"aws:SourceIp": "198.51.100.7"}
}

// readings are what a caller may read of the account.
var readings = []struct {
	name     string
	actions  string // allowed beside the situation's; "" for none
	policies bool   // their own policies, whole
}{
	{"everything", `"iam:Get*","iam:List*","iam:Simulate*","ec2:Describe*","ssm:Describe*","ssm:Get*","ssm:List*","organizations:*"`, true},
	{"policies", `"iam:Get*","iam:List*","ec2:Describe*","ssm:ListTagsForResource"`, true},
	{"simulation", `"iam:SimulatePrincipalPolicy","ec2:Describe*"`, false},
	{"half of the policies", `"iam:ListRolePolicies","iam:ListUserPolicies","iam:GetRole","iam:GetUser","iam:SimulatePrincipalPolicy"`, false},
	{"nothing", "", false},
}

// TestMatrix holds the guard against the account itself: whatever the account
// lets start is never stopped, and where everything that decides can be read, a
// refusal is foreseen.
func TestMatrix(t *testing.T) {
	// Each cell tries one document; neighbours try the other.
	documents := []string{"", "AWS-StartSSHSession"}
	for i, mc := range matrixCallers {
		for j, st := range situations {
			for k, rd := range readings {
				if mc.twin && k%2 == 1 {
					continue
				}
				t.Run(mc.name+"/"+st.name+"/"+rd.name, func(t *testing.T) {
					t.Parallel()
					w := world.World{Account: testAccount, Region: testRegion,
						Nodes: []world.Node{{ID: bastion, Tags: map[string]string{"Name": "bastion"}, Ping: "Online"}}}
					var in []world.Policy
					for i, own := range st.own {
						in = append(in, inline("p"+string(rune('0'+i)), own))
					}
					if rd.actions != "" {
						in = append(in, inline("read", statement(`{"Effect":"Allow","Action":[`+rd.actions+`],"Resource":"*"}`)))
					}
					boundary := ""
					if st.limited {
						boundary = "Limit"
						w.Policies = []world.Policy{{Name: boundary, Document: statement(ownDocumentsOnly)}}
					}
					login := mc.login
					login.Name = "it"
					mc.place(&w, in, boundary)
					if st.edge != nil {
						st.edge(&w, &login)
					}
					w.Logins = []world.Login{login}
					c, _ := serve(t, w, Options{})
					compare(t, c, documents[(i+j+k)%2], st.plain && rd.policies && !mc.blind)
				})
			}
		}
	}
}

// startSession asks Systems Manager once, as the client would.
func startSession(ctx context.Context, c *Client, target, document string) error {
	endpoint, err := c.apis["ssm"].Endpoint(ctx)
	if err != nil {
		return err
	}
	in := map[string]string{"Target": target}
	if document != "" {
		in["DocumentName"] = document
	}
	cfg := aws.Config{Region: c.region, Credentials: c.credentials, Retryer: func() aws.Retryer { return aws.NopRetryer{} }}
	_, err = awsapi.Call[struct{}](ctx, awsapi.SSM(cfg, endpoint.String()), "", "StartSession", in)
	return err
}

// compare asks the guard and then the account.
func compare(t *testing.T, c *Client, document string, exact bool) {
	t.Helper()
	d := check(t, c, bastion, document)
	err := startSession(t.Context(), c, bastion, document)
	refused := KindOf(err) == KindDenied
	if !refused && err != nil && KindOf(err) != KindUnreachable { // nobody carries the session
		t.Fatalf("%q: %v", document, err)
	}
	v := d.Verdict()
	switch {
	case v.Denies() && !refused:
		t.Errorf("%q: a false stop", document)
	case exact && refused && !v.Denies():
		t.Errorf("%q: %v, and AWS says %v", document, v, err)
	case exact && !refused && v != policy.Allow && len(d.Policies.Partial) == 0:
		t.Errorf("%q: %v, and AWS lets it start", document, v)
	default:
		return
	}
	for _, r := range d.Rulings {
		if !r.Grant.Advisory {
			t.Logf("%s %s: %v %v", r.Judge, r.Grant.ID, r.Answer.Verdict, r.Answer.DependsOn)
		}
	}
	for _, f := range d.Findings {
		t.Logf("%s %s: %s", f.Code, f.Summary, f.Detail)
	}
}
