package awsiam

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ssmguard/guard"
	"ssmguard/guard/policy"
	"ssmguard/internal/sandbox/world"
)

const allowAll = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`

// TestCallers says of each kind of caller what is known and what is not.
func TestCallers(t *testing.T) {
	tags := map[string]string{"team": "data"}
	for _, tt := range []struct {
		login world.Login
		place func(*world.World, []world.Policy, string)
		want  guard.Caller
		err   string // permission that is missing
	}{
		{world.Login{Principal: "user/ann"}, onUser, guard.Caller{
			SessionARN: "arn:aws:iam::111122223333:user/staff/ann", Principal: "arn:aws:iam::111122223333:user/staff/ann", MFA: guard.MFAAbsent, Tags: tags}, ""},
		{world.Login{Principal: "user/ann", Temporary: true, MFA: true}, onUser, guard.Caller{
			SessionARN: "arn:aws:iam::111122223333:user/staff/ann", Principal: "arn:aws:iam::111122223333:user/staff/ann", MFA: guard.MFATrue, Tags: tags}, ""},
		{world.Login{Principal: "user/ann", Temporary: true}, onUser, guard.Caller{
			SessionARN: "arn:aws:iam::111122223333:user/staff/ann", Principal: "arn:aws:iam::111122223333:user/staff/ann", MFA: guard.MFAFalse,
			Unknown: []string{guard.UnknownPrincipalTags}}, "iam:GetUser"},
		{world.Login{Principal: "role/dev", Session: "s"}, onRole("dev", "/team/a/"), guard.Caller{
			SessionARN: "arn:aws:sts::111122223333:assumed-role/dev/s", Principal: "arn:aws:iam::111122223333:role/team/a/dev", Tags: tags,
			Unknown: []string{guard.UnknownSessionTags}}, ""},
		{world.Login{Principal: "role/" + ssoName, Session: "ann@example.com"}, onRole(ssoName, "/aws-reserved/sso.amazonaws.com/eu-west-1/"), guard.Caller{
			SessionARN: "arn:aws:sts::111122223333:assumed-role/" + ssoName + "/ann@example.com",
			Principal:  "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-west-1/" + ssoName, Tags: tags,
			Unknown: []string{guard.UnknownSessionTags}}, ""},
		{world.Login{Principal: "federated/ann/bob"}, onUser, guard.Caller{
			SessionARN: "arn:aws:sts::111122223333:federated-user/bob", Unknown: []string{guard.UnknownPrincipalTags, guard.UnknownSessionTags}}, "iam:GetUser"},
		{world.Login{Principal: "root"}, onUser, guard.Caller{
			SessionARN: "arn:aws:iam::111122223333:root", Principal: "arn:aws:iam::111122223333:root", MFA: guard.MFAAbsent}, ""},
	} {
		t.Run(tt.want.SessionARN, func(t *testing.T) {
			w := world.World{Account: testAccount, Region: testRegion}
			tt.place(&w, []world.Policy{inline("all", allowAll)}, "")
			tt.login.Name = "it"
			w.Logins = []world.Login{tt.login}
			c, _ := serve(t, w, Options{})
			got, err := c.Caller(t.Context())
			wantUnseen(t, err, tt.err)
			if got.UserID == "" {
				t.Error("no user id")
			}
			tt.want.Account, tt.want.Partition, tt.want.UserID = testAccount, "aws", got.UserID
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// wantUnseen checks that err is a NotVisible for exactly the given permissions,
// written "a, b"; "" wants no error.
func wantUnseen(t *testing.T, err error, permissions string) {
	t.Helper()
	var got []string
	var walk func(error)
	walk = func(err error) {
		var unseen *guard.NotVisible
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			for _, e := range joined.Unwrap() {
				walk(e)
			}
		} else if errors.As(err, &unseen) {
			got = append(got, unseen.Permission)
		} else if err != nil {
			t.Errorf("unexpected error %v", err)
		}
	}
	walk(err)
	slices.Sort(got)
	if g := strings.Join(slices.Compact(got), ", "); g != permissions {
		t.Errorf("not visible: %q, want %q", g, permissions)
	}
}

func sources(layer []policy.Statement) []string {
	var s []string
	for _, st := range layer {
		s = append(s, st.At.Source)
	}
	return s
}

func TestPoliciesOfUser(t *testing.T) {
	w := world.World{
		Account: testAccount, Region: testRegion,
		Policies: []world.Policy{
			{Name: "Limit", Document: allowAll}, {Name: "AmazonSSMFullAccess", AWS: true, Document: allowStart},
			{Name: "Own", Path: "/x/", Document: readAll},
		},
		Users: []world.User{{Principal: world.Principal{
			Name: "ann", Inline: []world.Policy{inline("b", allowStart), inline("a", readAll)},
			Attached: []string{"AmazonSSMFullAccess"}, Boundary: "Limit",
		}, Groups: []string{"ops", "dev"}}},
		Groups: []world.Group{{Name: "ops", Inline: []world.Policy{inline("shell", allowStart)}}, {Name: "dev", Attached: []string{"Own"}}},
		Logins: []world.Login{{Name: "ann", Principal: "user/ann"}},
	}
	c, _ := serve(t, w, Options{})
	set, err := c.Policies(t.Context(), guard.Caller{})
	if err != nil {
		t.Fatal(err)
	}
	got := sources(set.Identity)
	slices.Sort(got)
	want := []string{
		"group/dev, managed Own", `group/ops, inline "shell"`, `group/ops, inline "shell"`,
		`user/ann, inline "a"`, `user/ann, inline "b"`, `user/ann, inline "b"`,
		"user/ann, managed AmazonSSMFullAccess", "user/ann, managed AmazonSSMFullAccess",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"boundary Limit"}, sources(set.Boundary)); diff != "" {
		t.Error(diff)
	}
	if set.Partial != nil || set.SCP != nil || set.RCP != nil || set.Session != nil {
		t.Errorf("layers that are not there: %+v", set)
	}
}

// What is refused is partial and named; what is not, is read.
func TestPoliciesPartly(t *testing.T) {
	may := func(actions string) string {
		return statement(`{"Effect":"Allow","Action":[` + actions + `],"Resource":"*"}`)
	}
	for _, tt := range []struct {
		name, read, partial, unseen string
		documents                   int
	}{
		{"everything", may(`"iam:*","organizations:*"`), "session", "", 2},
		{"no inline policy", may(`"iam:List*","iam:GetRole","organizations:*"`), "identity, session", "iam:GetRolePolicy", 0},
		{"no list", may(`"iam:Get*","organizations:*"`), "identity, session", "iam:ListAttachedRolePolicies, iam:ListRolePolicies", 0},
		{"no role", may(`"iam:List*","iam:GetRolePolicy","organizations:*"`), "boundary, session", "iam:GetRole", 2},
		{"no organization", may(`"iam:*"`), "rcp, scp, session", "organizations:ListParents", 2},
		{"nothing", may(`"ssm:DescribeSessions"`), "boundary, identity, rcp, scp, session", "iam:GetRole, iam:ListAttachedRolePolicies, iam:ListRolePolicies, organizations:ListParents", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := devWorld()
			w.Roles[0].Inline = []world.Policy{inline("ssm", statement(`{"Effect":"Allow","Action":"ssm:*","Resource":"*"}`)), inline("read", tt.read)}
			c, _ := serve(t, w, Options{})
			set, err := c.Policies(t.Context(), guard.Caller{})
			wantUnseen(t, err, tt.unseen)
			layers := func(yield func(string) bool) {
				for _, k := range set.Partial {
					if !yield(k.String()) {
						return
					}
				}
			}
			if got := strings.Join(slices.Sorted(layers), ", "); got != tt.partial {
				t.Errorf("partial %q, want %q", got, tt.partial)
			}
			if len(set.Identity) != tt.documents {
				t.Errorf("read %v", sources(set.Identity))
			}
		})
	}
}

func TestOrganization(t *testing.T) {
	full := world.Policy{Name: "FullAWSAccess", AWS: true, Document: allowAll}
	org := world.Organization{ID: "o-exampleorgid", ManagementAccount: "999988887777", Levels: []world.Level{
		{ID: "r-abcd", SCPs: []world.Policy{full}},
		{ID: "ou-abcd-11111111", SCPs: []world.Policy{full, {Name: "Regions", Document: statement(`{"Effect":"Deny","Action":"s3:*","Resource":"*"}`)}}},
		{ID: testAccount, SCPs: []world.Policy{full}},
	}}
	for _, tt := range []struct {
		name    string
		change  func(*world.Organization)
		scps    [][]string
		partial []policy.Kind
		unseen  string
	}{
		{"delegated administrator", func(o *world.Organization) { o.Delegated = true }, [][]string{
			{"service control policy FullAWSAccess on r-abcd"},
			{"service control policy FullAWSAccess on ou-abcd-11111111", "service control policy Regions on ou-abcd-11111111"},
			{"service control policy FullAWSAccess on " + testAccount},
		}, nil, ""},
		{"management account", func(o *world.Organization) { o.ManagementAccount = testAccount }, nil, nil, ""},
		{"member", func(*world.Organization) {}, nil, []policy.Kind{policy.SCP, policy.RCP}, "organizations:ListParents"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := org
			tt.change(&o)
			w := world.World{Account: testAccount, Region: testRegion, Organization: &o}
			onUser(&w, []world.Policy{inline("all", allowAll)}, "")
			w.Logins = []world.Login{{Name: "ann", Principal: "user/ann"}}
			c, _ := serve(t, w, Options{})
			set, err := c.Policies(t.Context(), guard.Caller{})
			wantUnseen(t, err, tt.unseen)
			var got [][]string
			for _, level := range set.SCP {
				got = append(got, sources(level))
			}
			if diff := cmp.Diff(tt.scps, got); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tt.partial, set.Partial); diff != "" {
				t.Error(diff)
			}
			if tt.scps != nil && len(set.RCP) != len(tt.scps) {
				t.Errorf("%d levels of RCPs", len(set.RCP))
			}
		})
	}
}

// A path in DescribeAccount's answer spares the climb.
func TestOrganizationPath(t *testing.T) {
	c, _ := newFake(t, Options{}, map[string]func(http.ResponseWriter, fakeCall){
		"DescribeAccount": text(`{"Account":{"Id":"111122223333","Paths":["o-exampleorgid/r-abcd/ou-abcd-11111111/111122223333/"]}}`),
	})
	got, err := organizationReader{c.callerReader}.orgTargets(t.Context(), testAccount)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"r-abcd", "ou-abcd-11111111", testAccount}, got); diff != "" {
		t.Error(diff)
	}
}

// A document nobody can parse makes its layer partial, and says so.
func TestUnparsablePolicy(t *testing.T) {
	names := `<PolicyNames><member>bad</member><member>good</member></PolicyNames><IsTruncated>false</IsTruncated>`
	c, _ := newFake(t, Options{}, map[string]func(http.ResponseWriter, fakeCall){
		"GetCallerIdentity":        whoami(devSession),
		"GetRole":                  result("GetRole", `<Role><Arn>arn:aws:iam::111122223333:role/dev</Arn><RoleName>dev</RoleName></Role>`),
		"ListRolePolicies":         result("ListRolePolicies", names),
		"ListAttachedRolePolicies": result("ListAttachedRolePolicies", `<AttachedPolicies/><IsTruncated>false</IsTruncated>`),
		"DescribeOrganization":     failure(400, "AWSOrganizationsNotInUseException"),
		"GetRolePolicy": func(w http.ResponseWriter, call fakeCall) {
			body := "%7B%22Statement%22%3A"
			if call.Form.Get("PolicyName") == "good" {
				body = "%7B%22Statement%22%3A%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22ssm%3A%2A%22%2C%22Resource%22%3A%22arn%3Aaws%3Assm%3A%2A%3A%2A%3Adocument%2Fa+b%22%7D%7D"
			}
			result("GetRolePolicy", `<PolicyDocument>`+body+`</PolicyDocument>`)(w, call)
		},
	})
	set, err := c.Policies(t.Context(), guard.Caller{})
	if KindOf(err) != KindInvalid || !strings.Contains(err.Error(), `inline "bad"`) {
		t.Errorf("error %v", err)
	}
	if !slices.Contains(set.Partial, policy.Identity) {
		t.Errorf("partial %v", set.Partial)
	}
	if diff := cmp.Diff([]string{`role/dev, inline "good"`}, sources(set.Identity)); diff != "" {
		t.Error(diff)
	}
}

// The encoding is that of URIs, not of forms: a plus sign is a plus sign.
func TestDecoded(t *testing.T) {
	for in, want := range map[string]string{"%7B%22a+b%22%20%7D": `{"a+b" }`, "100%": "100%", "{}": "{}"} {
		if got := decoded(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}
