package account

import (
	"strings"
	"testing"

	"ssmguard/internal/sandbox/api"
)

// TestJustInTimeAccess: who may ask for access and may not start sessions gets credentials
// that start one on the node that was asked for, and on no other.
func TestJustInTimeAccess(t *testing.T) {
	const here, other = "i-0123456789abcdef0", "i-0000000000000000f"
	gateway := &ready{}
	w := sessionWorld(allow("ssm:StartAccessRequest", "ssm:GetAccessToken", "*"))
	w.Nodes = append(w.Nodes, w.Nodes[0])
	w.Nodes[len(w.Nodes)-1].ID = other
	_, c := open(t, w, api.Options{Channels: gateway})
	if f := c.post(nil, "ssm", "StartSession", start{"Target": here}); f.Code != "AccessDeniedException" {
		t.Fatalf("%+v", f)
	}
	ask := func(target string) start {
		return start{"Reason": "disk full", "Targets": []start{{"Key": "InstanceIds", "Values": []string{target}}}}
	}
	var asked accessRequestAnswer
	if f := c.post(&asked, "ssm", "StartAccessRequest", ask(here)); f.Code != "" || !accessRequestForm().MatchString(asked.AccessRequestID) {
		t.Fatalf("%+v %q", f, asked.AccessRequestID)
	}
	var got accessToken
	if f := c.post(&got, "ssm", "GetAccessToken", start{"AccessRequestId": asked.AccessRequestID}); f.Code != "" || got.AccessRequestStatus != "Approved" || got.Credentials == nil || got.Credentials.ExpirationTime == 0 {
		t.Fatalf("%+v %s", f, got.AccessRequestStatus)
	}
	k := got.Credentials
	token := c.as(api.Credentials{AccessKeyID: k.AccessKeyID, SecretAccessKey: k.SecretAccessKey, SessionToken: k.SessionToken})
	for _, test := range []struct{ target, document, code string }{
		{here, "", ""}, {other, "", "AccessDeniedException"}, {here, "AWS-StartPortForwardingSession", "AccessDeniedException"},
	} {
		in := start{"Target": test.target}
		if test.document != "" {
			in["DocumentName"], in["Parameters"] = test.document, start{"portNumber": []string{"80"}}
		}
		if f := token.post(nil, "ssm", "StartSession", in); f.Code != test.code {
			t.Errorf("%s %s: %+v", test.target, test.document, f)
		}
	}
	for name, in := range map[string]start{
		"ValidationException":       {"AccessRequestId": "oi-1"},
		"ResourceNotFoundException": {"AccessRequestId": "oi-000000000000"},
	} {
		if f := c.post(nil, "ssm", "GetAccessToken", in); f.Code != name {
			t.Errorf("%+v, want %s", f, name)
		}
	}
	for name, in := range map[string]start{
		"ValidationException":       {"Reason": "", "Targets": []start{}},
		"ResourceNotFoundException": ask("i-00000000000000000"),
	} {
		if f := c.post(nil, "ssm", "StartAccessRequest", in); f.Code != name {
			t.Errorf("%+v, want %s", f, name)
		}
	}
}

// Each step is refused by itself, on its own resource.
func TestJustInTimeAccessRefused(t *testing.T) {
	_, c := open(t, sessionWorld(allow("ssm:StartSession", "*")), api.Options{Channels: &ready{}})
	f := c.post(nil, "ssm", "StartAccessRequest", start{"Reason": "x", "Targets": []start{{"Key": "InstanceIds", "Values": []string{"i-0123456789abcdef0"}}}})
	if f.Code != "AccessDeniedException" || !strings.Contains(f.Message, "ssm:StartAccessRequest on resource: arn:aws:ec2:us-east-1:111122223333:instance/i-0123456789abcdef0 ") {
		t.Errorf("%+v", f)
	}
	f = c.post(nil, "ssm", "GetAccessToken", start{"AccessRequestId": "oi-0123456789ab"})
	if f.Code != "AccessDeniedException" || !strings.Contains(f.Message, "ssm:GetAccessToken on resource: arn:aws:ssm:us-east-1:111122223333:opsitem/oi-0123456789ab ") {
		t.Errorf("%+v", f)
	}
}
