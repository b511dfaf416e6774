package account

import (
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ssmguard/internal/sandbox/api"
	"ssmguard/internal/sandbox/world"
)

// company has a user in groups, a role with a path, and policies of each kind.
func company() world.World {
	return world.World{
		Account: testAccount, Region: "us-east-1",
		Policies: []world.Policy{
			{Name: "Everything", AWS: true, Document: allow("*", "*")},
			{Name: "Limit", Path: "/limits/", Document: allow("*", "*")},
		},
		Groups: []world.Group{{Name: "devs", Attached: []string{"Limit"}, Inline: []world.Policy{{Name: "in-group", Document: allow("ec2:*", "*")}}}, {Name: "all"}, {Name: "ops"}},
		Users: []world.User{
			{Principal: world.Principal{Name: "alice", Tags: map[string]string{"Team": "db"}, Attached: []string{"Everything"}, Boundary: "Limit", Inline: []world.Policy{{Name: "own", Document: allow("ssm:*", "*")}}}, Groups: []string{"devs", "all", "ops"}},
			{Principal: world.Principal{Name: "bob"}},
		},
		Roles:  []world.Role{{Principal: world.Principal{Name: "deploy", Path: "/team/platform/", Attached: []string{"Limit"}}, Trust: []string{testAccount}}},
		Logins: []world.Login{{Name: "alice", Principal: "user/alice"}, {Name: "bob", Principal: "user/bob"}, {Name: "deploy", Principal: "role/deploy"}},
	}
}

func TestReadUser(t *testing.T) {
	_, c := open(t, company(), api.Options{})
	var user userAnswer
	if f := c.ask(&user, "iam", "GetUser"); f.Code != "" {
		t.Fatal(f)
	}
	want := principalXML{
		Path: "/", UserName: "alice", UserID: api.MadeUpID("AIDA", "alice"), Arn: "arn:aws:iam::111122223333:user/alice", CreateDate: api.Opened,
		PermissionsBoundary: &boundaryXML{"Policy", "arn:aws:iam::111122223333:policy/limits/Limit"}, Tags: []tagXML{{"Team", "db"}},
	}
	if diff := cmp.Diff(want, user.User); diff != "" {
		t.Error(diff)
	}
	var attached attachedAnswer
	if f := c.ask(&attached, "iam", "ListAttachedUserPolicies", "UserName", "alice"); f.Code != "" {
		t.Fatal(f)
	}
	if diff := cmp.Diff([]attachedXML{{"Everything", "arn:aws:iam::aws:policy/Everything"}}, attached.AttachedPolicies); diff != "" {
		t.Error(diff)
	}
	var doc inlineDocument
	if f := c.ask(&doc, "iam", "GetUserPolicy", "UserName", "alice", "PolicyName", "own"); f.Code != "" {
		t.Fatal(f)
	}
	if text, err := url.PathUnescape(doc.PolicyDocument); err != nil || text != allow("ssm:*", "*") || strings.ContainsAny(doc.PolicyDocument, ` {"+`) {
		t.Errorf("document %s, %v", doc.PolicyDocument, err)
	}
}

func TestReadRole(t *testing.T) {
	_, c := open(t, company(), api.Options{})
	var role roleAnswer
	if f := c.ask(&role, "iam", "GetRole", "RoleName", "deploy"); f.Code != "" {
		t.Fatal(f)
	}
	if role.Role.Arn != "arn:aws:iam::111122223333:role/team/platform/deploy" || role.Role.RoleID != api.MadeUpID("AROA", "deploy") {
		t.Errorf("%+v", role.Role)
	}
	trust, err := url.PathUnescape(role.Role.AssumeRolePolicy)
	if err != nil || trust != `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"sts:AssumeRole"}]}` {
		t.Errorf("trust policy %s, %v", trust, err)
	}
}

func TestReadManagedPolicy(t *testing.T) {
	s, c := open(t, company(), api.Options{})
	if err := putManaged(s, world.Policy{Name: "Limit", Path: "/limits/", Document: allow("iam:*", "*")}); err != nil {
		t.Fatal(err)
	}
	const arn = "arn:aws:iam::111122223333:policy/limits/Limit"
	var m managedAnswer
	if f := c.ask(&m, "iam", "GetPolicy", "PolicyArn", arn); f.Code != "" {
		t.Fatal(f)
	}
	if m.Policy.DefaultVersionID != "v2" || m.Policy.Arn != arn || m.Policy.Path != "/limits/" {
		t.Errorf("%+v", m.Policy)
	}
	for id, want := range map[string]string{"v1": allow("*", "*"), "v2": allow("iam:*", "*")} {
		var v versionAnswer
		if f := c.ask(&v, "iam", "GetPolicyVersion", "PolicyArn", arn, "VersionId", id); f.Code != "" {
			t.Fatal(f)
		}
		if text, _ := url.PathUnescape(v.PolicyVersion.Document); text != want || v.PolicyVersion.IsDefaultVersion != (id == "v2") {
			t.Errorf("%s: %+v", id, v.PolicyVersion)
		}
	}
	for _, test := range [][]string{{"GetPolicy", "PolicyArn", arn + "x"}, {"GetPolicyVersion", "PolicyArn", arn, "VersionId", "v9"}} {
		if f := c.ask(nil, "iam", test[0], test[1:]...); f.Code != "NoSuchEntity" || f.Status != 404 {
			t.Errorf("%v: %+v", test, f)
		}
	}
}

// Lists come in pages as large as asked for.
func TestGroupsInPages(t *testing.T) {
	_, c := open(t, company(), api.Options{})
	var names []string
	marker := []string{}
	for range 5 {
		var a groupsAnswer
		if f := c.ask(&a, "iam", "ListGroupsForUser", append(marker, "UserName", "alice", "MaxItems", "2")...); f.Code != "" {
			t.Fatal(f)
		}
		for _, g := range a.Groups {
			names = append(names, g.GroupName)
		}
		if a.IsTruncated != (a.Marker != "") {
			t.Errorf("truncated %v with marker %q", a.IsTruncated, a.Marker)
		}
		if !a.IsTruncated {
			break
		}
		marker = []string{"Marker", a.Marker}
	}
	if diff := cmp.Diff([]string{"devs", "all", "ops"}, names); diff != "" {
		t.Error(diff)
	}
	if f := c.ask(nil, "iam", "ListGroupsForUser", "UserName", "alice", "Marker", "stray"); f.Code != "ValidationError" {
		t.Error(f)
	}
	var a inlineAnswer
	if f := c.ask(&a, "iam", "ListGroupPolicies", "GroupName", "devs"); f.Code != "" || len(a.PolicyNames) != 1 || a.PolicyNames[0] != "in-group" {
		t.Errorf("%+v %v", a, f)
	}
}

// IAM names users, roles and groups in its denials by kind and name, policies by
// kind and ARN, and the source of a simulation by ARN alone.
func TestDenialsOfIAM(t *testing.T) {
	s, c := open(t, company(), api.Options{})
	bob := c.as(s.Logins()[1])
	const who = "User: arn:aws:iam::111122223333:user/bob is not authorized to perform: iam:"
	for _, test := range []struct {
		operation string
		pairs     []string
		resource  string
	}{
		{"GetUser", nil, "user bob"},
		{"GetRole", []string{"RoleName", "deploy"}, "role deploy"},
		{"GetRole", []string{"RoleName", "nobody"}, "role nobody"},
		{"ListAttachedRolePolicies", []string{"RoleName", "deploy"}, "role deploy"},
		{"ListGroupPolicies", []string{"GroupName", "devs"}, "group devs"},
		{"GetPolicy", []string{"PolicyArn", "arn:aws:iam::aws:policy/Everything"}, "policy arn:aws:iam::aws:policy/Everything"},
		{"SimulatePrincipalPolicy", []string{"PolicySourceArn", "arn:aws:iam::111122223333:user/bob", "ActionNames.member.1", "ssm:StartSession"}, "arn:aws:iam::111122223333:user/bob"},
	} {
		want := failure{403, "AccessDenied", who + test.operation + " on resource: " + test.resource + " because no identity-based policy allows the iam:" + test.operation + " action"}
		if diff := cmp.Diff(want, bob.ask(nil, "iam", test.operation, test.pairs...)); diff != "" {
			t.Errorf("%s: %s", test.operation, diff)
		}
	}
}

func TestGetUserOfARole(t *testing.T) {
	s, c := open(t, company(), api.Options{})
	if f := c.as(s.Logins()[2]).ask(nil, "iam", "GetUser"); f.Code != "ValidationError" || f.Message != "Must specify userName when calling with non-User credentials" {
		t.Error(f)
	}
}

// A policy written, by whichever way, acts on the next call.
func TestPoliciesChange(t *testing.T) {
	s, c := open(t, company(), api.Options{})
	bob := c.as(s.Logins()[1])
	mayRead := func(want bool) {
		t.Helper()
		if f := bob.ask(nil, "iam", "GetUser"); (f.Code == "") != want {
			t.Errorf("GetUser: %+v", f)
		}
	}
	mayRead(false)
	if f := c.ask(nil, "iam", "PutUserPolicy", "UserName", "bob", "PolicyName", "read", "PolicyDocument", allow("iam:GetUser", "*")); f.Code != "" {
		t.Fatal(f)
	}
	mayRead(true)
	if err := s.PutInline("user/bob", "read", allow("iam:GetRole", "*")); err != nil {
		t.Fatal(err)
	}
	mayRead(false)
	if err := attach(s, "user/bob", "Everything"); err != nil {
		t.Fatal(err)
	}
	mayRead(true)
	if f := c.ask(nil, "iam", "PutUserPolicy", "UserName", "bob", "PolicyName", "bad", "PolicyDocument", `{"Statement":1}`); f.Code != "MalformedPolicyDocument" {
		t.Error(f)
	}
	if f := c.ask(nil, "iam", "DeleteUserPolicy", "UserName", "bob", "PolicyName", "read"); f.Code != "" {
		t.Error(f)
	}
	for name, err := range map[string]error{
		"no principal": s.PutInline("user/eve", "p", allow("*", "*")), "no policy": attach(s, "user/bob", "Nothing"), "nothing to delete": dropInline(s, "user/bob", "read"),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// The details of the account come in pages, users first, policies last, and by filters.
func TestAccountDetails(t *testing.T) {
	_, c := open(t, company(), api.Options{})
	var order []string
	marker := []string{}
	for range 20 {
		var a detailsAnswer
		if f := c.ask(&a, "iam", "GetAccountAuthorizationDetails", append(marker, "MaxItems", "2")...); f.Code != "" {
			t.Fatal(f)
		}
		for _, u := range a.UserDetailList {
			order = append(order, "user/"+u.UserName)
			if u.UserName == "alice" && (len(u.UserPolicyList) != 1 || len(u.GroupList) != 3 || u.PermissionsBounds == nil || len(u.AttachedManaged) != 1 || u.Tags[0].Value != "db") {
				t.Errorf("%+v", u)
			}
		}
		for _, g := range a.GroupDetailList {
			order = append(order, "group/"+g.GroupName)
		}
		for _, r := range a.RoleDetailList {
			order = append(order, "role/"+r.RoleName)
		}
		for _, p := range a.Policies {
			order = append(order, p.PolicyName)
			if text, err := url.PathUnescape(p.PolicyVersionList[0].Document); err != nil || text != allow("*", "*") || !p.PolicyVersionList[0].IsDefaultVersion {
				t.Errorf("%+v, %v", p, err)
			}
		}
		if a.IsTruncated != (a.Marker != "") {
			t.Errorf("truncated %v with marker %q", a.IsTruncated, a.Marker)
		}
		if !a.IsTruncated {
			break
		}
		marker = []string{"Marker", a.Marker}
	}
	if diff := cmp.Diff([]string{"user/alice", "user/bob", "group/devs", "group/all", "group/ops", "role/deploy", "Limit", "Everything"}, order); diff != "" {
		t.Error(diff)
	}
	var roles detailsAnswer
	if f := c.ask(&roles, "iam", "GetAccountAuthorizationDetails", "Filter.member.1", "Role"); f.Code != "" || len(roles.RoleDetailList) != 1 || len(roles.UserDetailList)+len(roles.Policies) != 0 {
		t.Errorf("%+v %v", roles, f)
	}
	if f := c.ask(nil, "iam", "GetAccountAuthorizationDetails", "Filter.member.1", "Stray"); f.Code != "ValidationError" {
		t.Error(f)
	}
}
