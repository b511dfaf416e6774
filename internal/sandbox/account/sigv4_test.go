package account

import (
	"net/http"
	"testing"
	"time"

	"ssmguard/internal/sandbox/api"
	"ssmguard/internal/sandbox/world"
)

// The example of the general reference: ListUsers with the published keys.
func TestSignatureOfTheReference(t *testing.T) {
	r, err := http.NewRequest("GET", "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	r.Header.Set("X-Amz-Date", "20150830T123600Z")
	s, ok := api.ParseSignature("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7")
	if !ok {
		t.Fatal("header not understood")
	}
	const secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
	if !s.Matches(r, nil, secret) {
		t.Errorf("computed %s", s.Compute(r, nil, secret))
	}
	if s.Matches(r, nil, secret+"x") || s.Matches(r, []byte("x"), secret) {
		t.Error("another secret or body matches, too")
	}
}

func TestParseSignatureRefuses(t *testing.T) {
	for _, header := range []string{
		"", "Basic abc", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=AKID, SignedHeaders=host, Signature=1",
		"AWS4-HMAC-SHA256 Credential=A/20150830/r/s/aws4_request, SignedHeaders=host",
		"AWS4-HMAC-SHA256 Credential=A/20150830/r/s/aws5_request, SignedHeaders=host, Signature=1",
	} {
		if _, ok := api.ParseSignature(header); ok {
			t.Errorf("%q accepted", header)
		}
	}
}

// Every failure to authenticate, in the words of each family of services.
func TestWhoIsRefused(t *testing.T) {
	w := userWith(allow("*", "*"))
	w.Logins = append(w.Logins, world.Login{Name: "old", Principal: "user/alice", Temporary: true, MFA: true, Expired: true},
		world.Login{Name: "token", Principal: "user/alice", Temporary: true},
		world.Login{Name: "federated", Principal: "federated/alice/guest", Policies: []string{allow("*", "*")}})
	s, c := open(t, w, api.Options{})
	logins := s.Logins()
	broken := func(change func(*api.Credentials)) *client {
		keys := logins[0]
		change(&keys)
		return c.as(keys)
	}
	wrongKey := broken(func(k *api.Credentials) { k.AccessKeyID = "AKIAIOSFODNN7EXAMPLE" })
	wrongSecret := broken(func(k *api.Credentials) { k.SecretAccessKey += "x" })
	strayToken := broken(func(k *api.Credentials) { k.SessionToken = "stray" })
	late := *c
	late.now = c.now.Add(-10 * time.Minute)
	for _, test := range []struct {
		name           string
		c              *client
		iam, ssm, ec2  string
		skipSTSandJSON bool
	}{
		{"wrong key", wrongKey, "InvalidClientTokenId", "UnrecognizedClientException", "AuthFailure", false},
		{"wrong secret", wrongSecret, "SignatureDoesNotMatch", "InvalidSignatureException", "AuthFailure", false},
		{"stray token", strayToken, "InvalidClientTokenId", "UnrecognizedClientException", "AuthFailure", false},
		{"expired", c.as(logins[1]), "ExpiredToken", "ExpiredTokenException", "RequestExpired", false},
		{"late", &late, "SignatureDoesNotMatch", "InvalidSignatureException", "RequestExpired", false},
		{"session token without MFA", c.as(logins[2]), "InvalidClientTokenId", "", "", true},
		{"federated", c.as(logins[3]), "InvalidClientTokenId", "", "", true},
	} {
		if f := test.c.ask(nil, "iam", "GetUser", "UserName", "alice"); f.Code != test.iam {
			t.Errorf("%s: iam says %+v, want %s", test.name, f, test.iam)
		}
		if f := test.c.post(nil, "ssm", "DescribeSessions", map[string]string{"State": "Active"}); f.Code != test.ssm {
			t.Errorf("%s: ssm says %+v, want %q", test.name, f, test.ssm)
		}
		if f := test.c.ask(nil, "ec2", "DescribeInstances"); f.Code != test.ec2 {
			t.Errorf("%s: ec2 says %+v, want %q", test.name, f, test.ec2)
		}
	}
}

func TestUnsignedAndUnknown(t *testing.T) {
	_, c := open(t, userWith(allow("*", "*")), api.Options{})
	if _, f := c.send(c.query("sts", "GetCallerIdentity")); f.Code != "MissingAuthenticationToken" || f.Status != 403 {
		t.Errorf("unsigned query: %+v", f)
	}
	if _, f := c.send(c.request([]byte("{}"), "application/x-amz-json-1.1", "AmazonSSM.StartSession")); f.Code != "MissingAuthenticationTokenException" || f.Status != 400 {
		t.Errorf("unsigned JSON: %+v", f)
	}
	r := c.query("sts", "GetCallerIdentity")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 nonsense")
	if _, f := c.send(r); f.Code != "IncompleteSignature" {
		t.Errorf("malformed header: %+v", f)
	}
	if f := c.ask(nil, "sts", "GetPizza"); f.Code != "InvalidAction" {
		t.Errorf("unknown operation: %+v", f)
	}
	if f := c.post(nil, "ssm", "GetPizza", nil); f.Code != "UnknownOperationException" {
		t.Errorf("unknown operation: %+v", f)
	}
}
