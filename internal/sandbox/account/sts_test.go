package account

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ssmguard/internal/sandbox/api"
	"ssmguard/internal/sandbox/world"
)

// issued reads the credentials out of an answer of STS.
type issued struct {
	Credentials stsCredentials
	Arn         string `xml:"AssumedRoleUser>Arn"`
	ID          string `xml:"AssumedRoleUser>AssumedRoleId"`
	Federated   string `xml:"FederatedUser>Arn"`
}

func (i issued) keys() api.Credentials {
	return api.Credentials{AccessKeyID: i.Credentials.AccessKeyID, SecretAccessKey: i.Credentials.SecretAccessKey, SessionToken: i.Credentials.SessionToken}
}

func TestGetCallerIdentity(t *testing.T) {
	w := userWith(deny("*", "*"))
	w.Roles = []world.Role{{Principal: world.Principal{Name: "dev", Path: "/team/", ID: "AROAEXAMPLE"}}}
	w.Logins = append(w.Logins, world.Login{Name: "dev", Principal: "role/dev", Session: "bob"}, world.Login{Name: "root", Principal: "root"},
		world.Login{Name: "guest", Principal: "federated/alice/guest"})
	s, c := open(t, w, api.Options{})
	want := []callerIdentity{
		{"arn:aws:iam::111122223333:user/alice", api.MadeUpID("AIDA", "alice"), testAccount},
		{"arn:aws:sts::111122223333:assumed-role/dev/bob", "AROAEXAMPLE:bob", testAccount},
		{"arn:aws:iam::111122223333:root", testAccount, testAccount},
		{"arn:aws:sts::111122223333:federated-user/guest", testAccount + ":guest", testAccount},
	}
	for i, l := range s.Logins() {
		var got callerIdentity
		if f := c.as(l).ask(&got, "sts", "GetCallerIdentity"); f.Code != "" {
			t.Errorf("%s: %+v; it needs no permission", l.Login, f)
		}
		if diff := cmp.Diff(want[i], got); diff != "" {
			t.Errorf("%s: %s", l.Login, diff)
		}
	}
}

func assumable(trust ...string) world.World {
	w := userWith(allow("sts:AssumeRole", "*"))
	w.Roles = []world.Role{{Principal: world.Principal{Name: "ops", Inline: []world.Policy{{Name: "p", Document: allow("ec2:*", "ssm:*", "*")}}}, Trust: trust}}
	return w
}

const opsARN = "arn:aws:iam::111122223333:role/ops"

func TestAssumeRole(t *testing.T) {
	_, c := open(t, assumable(testAccount), api.Options{})
	var got issued
	if f := c.ask(&got, "sts", "AssumeRole", "RoleArn", opsARN, "RoleSessionName", "bob"); f.Code != "" {
		t.Fatal(f)
	}
	if got.Arn != "arn:aws:sts::111122223333:assumed-role/ops/bob" || !strings.HasSuffix(got.ID, ":bob") || !strings.HasPrefix(got.keys().AccessKeyID, "ASIA") {
		t.Errorf("issued %s %s", got.Arn, got.ID)
	}
	if f := c.as(got.keys()).ask(nil, "ec2", "DescribeInstances"); f.Code != "" {
		t.Error(f)
	}
	if f := c.as(got.keys()).ask(nil, "iam", "GetRole", "RoleName", "ops"); f.Code != "AccessDenied" {
		t.Error(f)
	}
}

// A session policy limits the session, and a denial names it.
func TestAssumeRoleWithSessionPolicy(t *testing.T) {
	_, c := open(t, assumable(testAccount), api.Options{})
	var got issued
	if f := c.ask(&got, "sts", "AssumeRole", "RoleArn", opsARN, "RoleSessionName", "bob", "Policy", allow("ssm:*", "*")); f.Code != "" {
		t.Fatal(f)
	}
	f := c.as(got.keys()).ask(nil, "ec2", "DescribeInstances")
	if !strings.HasSuffix(f.Message, "because no session policy allows the ec2:DescribeInstances action") {
		t.Error(f)
	}
	if f := c.ask(nil, "sts", "AssumeRole", "RoleArn", opsARN, "RoleSessionName", "bob", "Policy", "{"); f.Code != "MalformedPolicyDocument" {
		t.Error(f)
	}
}

func TestAssumeRoleRefused(t *testing.T) {
	long := strings.Repeat("x", 65)
	for _, test := range []struct {
		name  string
		w     world.World
		pairs []string
		code  string
		text  string
	}{
		{"not trusted", assumable("arn:aws:iam::111122223333:user/eve"), nil, "AccessDenied", "because no role trust policy allows the sts:AssumeRole action"},
		{"trusted account, no grant", func() world.World { w := assumable(testAccount); w.Users[0].Inline = nil; return w }(), nil, "AccessDenied", "because no identity-based policy allows"},
		{"no such role", assumable("*"), []string{"RoleArn", opsARN + "x"}, "AccessDenied", "is not authorized to perform: sts:AssumeRole"},
		{"no session name", assumable("*"), []string{"RoleSessionName", ""}, "ValidationError", "roleSessionName"},
		{"long session name", assumable("*"), []string{"RoleSessionName", long}, "ValidationError", "roleSessionName"},
		{"too long", assumable("*"), []string{"DurationSeconds", "50000"}, "ValidationError", "DurationSeconds"},
		{"wrong MFA code", assumable("*"), []string{"SerialNumber", "arn:aws:iam::111122223333:mfa/alice", "TokenCode", "000000"}, "AccessDenied", "MultiFactorAuthentication failed"},
		{"foreign MFA device", assumable("*"), []string{"SerialNumber", "arn:aws:iam::111122223333:mfa/eve", "TokenCode", "123456"}, "AccessDenied", "MultiFactorAuthentication failed"},
	} {
		_, c := open(t, test.w, api.Options{})
		f := c.ask(nil, "sts", "AssumeRole", append([]string{"RoleArn", opsARN, "RoleSessionName", "bob"}, test.pairs...)...)
		if f.Code != test.code || !strings.Contains(f.Message, test.text) {
			t.Errorf("%s: %+v, want %s with %q", test.name, f, test.code, test.text)
		}
	}
}

// A caller whom the trust policy names by his own ARN needs no grant of his own.
func TestAssumeRoleTrustedDirectly(t *testing.T) {
	w := assumable("arn:aws:iam::111122223333:user/alice")
	w.Users[0].Inline = nil
	_, c := open(t, w, api.Options{})
	if f := c.ask(nil, "sts", "AssumeRole", "RoleArn", opsARN, "RoleSessionName", "bob"); f.Code != "" {
		t.Error(f)
	}
	w.Users[0].Inline = []world.Policy{{Name: "p", Document: deny("sts:AssumeRole", "*")}}
	_, c = open(t, w, api.Options{})
	if f := c.ask(nil, "sts", "AssumeRole", "RoleArn", opsARN, "RoleSessionName", "bob"); f.Code != "AccessDenied" {
		t.Error(f)
	}
}

// MFA counts where it was given: in the trust condition and in the session's context.
func TestMFA(t *testing.T) {
	w := assumable(testAccount)
	w.Roles[0].TrustMFA = true
	guard := strings.Replace(deny("ec2:*", "*"), `"Resource":"*"`, `"Resource":"*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}`, 1)
	w.Roles[0].Inline = append(w.Roles[0].Inline, world.Policy{Name: "guard", Document: guard})
	_, c := open(t, w, api.Options{})
	role := []string{"RoleArn", opsARN, "RoleSessionName", "bob"}
	if f := c.ask(nil, "sts", "AssumeRole", role...); f.Code != "AccessDenied" {
		t.Errorf("without MFA: %+v", f)
	}
	var got issued
	if f := c.ask(&got, "sts", "AssumeRole", append(role, "SerialNumber", "arn:aws:iam::111122223333:mfa/alice", "TokenCode", "123456")...); f.Code != "" {
		t.Fatal(f)
	}
	if f := c.as(got.keys()).ask(nil, "ec2", "DescribeInstances"); f.Code != "" {
		t.Errorf("with MFA: %+v", f)
	}
}

func TestGetSessionToken(t *testing.T) {
	_, c := open(t, userWith(allow("iam:*", "*")), api.Options{})
	var plain, withMFA issued
	if f := c.ask(&plain, "sts", "GetSessionToken"); f.Code != "" {
		t.Fatal(f)
	}
	if f := c.ask(&withMFA, "sts", "GetSessionToken", "SerialNumber", "arn:aws:iam::111122223333:mfa/alice", "TokenCode", "123456"); f.Code != "" {
		t.Fatal(f)
	}
	if f := c.as(plain.keys()).ask(nil, "iam", "GetUser"); f.Code != "InvalidClientTokenId" {
		t.Errorf("IAM without MFA: %+v", f)
	}
	if f := c.as(withMFA.keys()).ask(nil, "iam", "GetUser"); f.Code != "" {
		t.Errorf("IAM with MFA: %+v", f)
	}
	if f := c.as(plain.keys()).ask(nil, "sts", "GetSessionToken"); f.Code != "AccessDenied" {
		t.Errorf("from a session token: %+v", f)
	}
}

// A federated user has what both the user and the session policy allow, and nothing without one.
func TestGetFederationToken(t *testing.T) {
	_, c := open(t, userWith(allow("sts:GetFederationToken", "ec2:*", "ssm:*", "*")), api.Options{})
	var bare, bounded issued
	if f := c.ask(&bare, "sts", "GetFederationToken", "Name", "guest"); f.Code != "" {
		t.Fatal(f)
	}
	if f := c.ask(&bounded, "sts", "GetFederationToken", "Name", "guest", "Policy", allow("ec2:*", "*")); f.Code != "" {
		t.Fatal(f)
	}
	if bounded.Federated != "arn:aws:sts::111122223333:federated-user/guest" {
		t.Error(bounded.Federated)
	}
	if f := c.as(bare.keys()).ask(nil, "ec2", "DescribeInstances"); f.Code != "UnauthorizedOperation" {
		t.Errorf("without session policy: %+v", f)
	}
	if f := c.as(bounded.keys()).ask(nil, "ec2", "DescribeInstances"); f.Code != "" {
		t.Errorf("with session policy: %+v", f)
	}
	if f := c.as(bounded.keys()).post(nil, "ssm", "DescribeSessions", map[string]string{"State": "Active"}); f.Code != "AccessDeniedException" {
		t.Errorf("beyond the session policy: %+v", f)
	}
}

func TestAssumeRoleWithWebIdentity(t *testing.T) {
	s, c := open(t, assumable("federated:token.example.com"), api.Options{})
	ask := func(token string) failure {
		form := url.Values{"Action": {"AssumeRoleWithWebIdentity"}, "Version": {"2011-06-15"}, "RoleArn": {opsARN}, "RoleSessionName": {"pod"}, "WebIdentityToken": {token}}
		body, f := c.send(c.request([]byte(form.Encode()), "application/x-www-form-urlencoded", ""))
		if f.Code == "" && !strings.Contains(string(body), "<AssumeRoleWithWebIdentityResult>") {
			t.Errorf("answer %s", body)
		}
		return f
	}
	claims := api.WebClaims{Issuer: "https://token.example.com", Subject: "pod"}
	good := s.WebToken(claims)
	parts := strings.Split(good, ".")
	enc := base64.RawURLEncoding.EncodeToString
	other, _ := open(t, assumable("federated:token.example.com"), api.Options{})
	claims.Issuer = "https://elsewhere.example.com"
	elsewhere := s.WebToken(claims)
	claims.Issuer, claims.Expires = "https://token.example.com", 1
	for _, test := range []struct{ name, token, code string }{
		{"its own", good, ""},
		{"of another provider", elsewhere, "AccessDenied"},
		{"expired", s.WebToken(claims), "ExpiredTokenException"},
		{"of another run", other.WebToken(api.WebClaims{Issuer: "https://token.example.com", Subject: "pod"}), "InvalidIdentityToken"},
		{"that nobody signed", enc([]byte(`{"alg":"none"}`)) + "." + parts[1] + "." + enc([]byte("sig")), "InvalidIdentityToken"},
		{"without a signature", parts[0] + "." + parts[1] + ".", "InvalidIdentityToken"},
		{"with the claims of another", parts[0] + "." + strings.Split(elsewhere, ".")[1] + "." + parts[2], "InvalidIdentityToken"},
		{"without claims", parts[0] + "." + parts[2], "InvalidIdentityToken"},
		{"empty", "", "InvalidIdentityToken"},
	} {
		if f := ask(test.token); f.Code != test.code {
			t.Errorf("a token %s: %+v, want %q", test.name, f, test.code)
		}
	}
}

// Temporary credentials end when their time is up.
func TestCredentialsExpire(t *testing.T) {
	now := time.Now()
	_, c := open(t, assumable(testAccount), api.Options{Now: func() time.Time { return now }})
	var got issued
	if f := c.ask(&got, "sts", "AssumeRole", "RoleArn", opsARN, "RoleSessionName", "bob", "DurationSeconds", "900"); f.Code != "" {
		t.Fatal(f)
	}
	now = now.Add(16 * time.Minute)
	late := c.as(got.keys())
	late.now = now
	if f := late.ask(nil, "sts", "GetCallerIdentity"); f.Code != "ExpiredToken" {
		t.Error(f)
	}
}

// They also end on demand, and others do not.
func TestExpire(t *testing.T) {
	s, c := open(t, assumable(testAccount), api.Options{})
	var got issued
	if f := c.ask(&got, "sts", "AssumeRole", "RoleArn", opsARN, "RoleSessionName", "bob"); f.Code != "" {
		t.Fatal(f)
	}
	temporary := c.as(got.keys())
	if f := temporary.ask(nil, "sts", "GetCallerIdentity"); f.Code != "" {
		t.Error(f)
	}
	s.Expire()
	if f := temporary.ask(nil, "sts", "GetCallerIdentity"); f.Code != "ExpiredToken" {
		t.Error(f)
	}
	if f := c.ask(&got, "sts", "AssumeRole", "RoleArn", opsARN, "RoleSessionName", "bob"); f.Code != "" {
		t.Fatal(f)
	}
	if f := c.as(got.keys()).ask(nil, "sts", "GetCallerIdentity"); f.Code != "" {
		t.Error(f)
	}
}

func TestDecodeAuthorizationMessage(t *testing.T) {
	w := userWith(allow("sts:DecodeAuthorizationMessage", "*"))
	w.Denials.Encoded = true
	_, c := open(t, w, api.Options{})
	f := c.ask(nil, "ec2", "DescribeInstances")
	_, message, ok := strings.Cut(f.Message, "Encoded authorization failure message: ")
	if !ok {
		t.Fatal(f)
	}
	var got decodedMessage
	if f := c.ask(&got, "sts", "DecodeAuthorizationMessage", "EncodedMessage", message); f.Code != "" {
		t.Fatal(f)
	}
	if !strings.Contains(got.DecodedMessage, `"action":"ec2:DescribeInstances"`) || !strings.Contains(got.DecodedMessage, `"explicitDeny":false`) {
		t.Error(got.DecodedMessage)
	}
	if f := c.ask(nil, "sts", "DecodeAuthorizationMessage", "EncodedMessage", "nonsense"); f.Code != "InvalidAuthorizationMessageException" {
		t.Error(f)
	}
}
