package account

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ssmguard/internal/sandbox/api"
	"ssmguard/internal/sandbox/world"
)

type start = map[string]any

func TestStartSession(t *testing.T) {
	gateway := &ready{}
	w := sessionWorld(allow("ssm:*", "*"))
	w.Nodes[0].Unpaced = true
	_, c := open(t, w, api.Options{Channels: gateway})
	var got sessionAnswer
	if f := c.post(&got, "ssm", "StartSession", start{"Target": "i-0123456789abcdef0", "Reason": "a look"}); f.Code != "" {
		t.Fatal(f)
	}
	if !regexp.MustCompile(`^alice-[a-z2-7]{26}$`).MatchString(got.SessionID) || got.TokenValue == "" || !strings.Contains(got.StreamURL, got.SessionID) {
		t.Errorf("%+v", got)
	}
	want := api.SessionStart{
		SessionID: got.SessionID, Target: "i-0123456789abcdef0", Document: defaultDocument, SessionType: "Standard_Stream",
		Properties: []byte("{}"), Parameters: map[string]string{}, Reason: "a look", AgentVersion: "3.3.0.0", Unpaced: true, Platform: "Linux",
	}
	if diff := cmp.Diff([]api.SessionStart{want}, gateway.started); diff != "" {
		t.Error(diff)
	}
	for _, operation := range []string{"ResumeSession", "TerminateSession", "TerminateSession"} {
		var out sessionAnswer
		if f := c.post(&out, "ssm", operation, start{"SessionId": got.SessionID}); f.Code != "" || out.SessionID != got.SessionID {
			t.Errorf("%s: %+v %v", operation, out, f)
		}
	}
	if f := c.post(nil, "ssm", "ResumeSession", start{"SessionId": got.SessionID}); f.Code != "DoesNotExistException" {
		t.Errorf("resume after the end: %+v", f)
	}
}

// Parameters are checked against the document and put into its properties.
func TestStartSessionParameters(t *testing.T) {
	gateway := &ready{}
	_, c := open(t, sessionWorld(allow("ssm:*", "*")), api.Options{Channels: gateway})
	const remote = "AWS-StartPortForwardingSessionToRemoteHost"
	f := c.post(nil, "ssm", "StartSession", start{"Target": "i-0123456789abcdef0", "DocumentName": remote, "Parameters": start{"host": []string{"db.internal"}, "portNumber": []string{"3306"}}})
	if f.Code != "" {
		t.Fatal(f)
	}
	if got, want := string(gateway.started[0].Properties), `{"host":"db.internal","localPortNumber":"0","portNumber":"3306","type":"LocalPortForwarding"}`; got != want || gateway.started[0].SessionType != "Port" {
		t.Errorf("properties %s, type %s", got, gateway.started[0].SessionType)
	}
	for name, parameters := range map[string]start{
		"host missing": {}, "unknown": {"host": []string{"h"}, "pizza": []string{"x"}}, "no port": {"host": []string{"h"}, "portNumber": []string{"65536"}},
		"two values": {"host": []string{"a", "b"}}, "shell in host": {"host": []string{"a;b"}},
	} {
		if f := c.post(nil, "ssm", "StartSession", start{"Target": "i-0123456789abcdef0", "DocumentName": remote, "Parameters": parameters}); f.Code != "InvalidParameters" {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

func TestStartSessionRefused(t *testing.T) {
	w := sessionWorld(allow("ssm:*", "*"))
	w.Nodes = append(w.Nodes,
		world.Node{ID: "i-0000000000000000a", Ping: "ConnectionLost"}, world.Node{ID: "i-0000000000000000b", Ping: pingOnline, State: "stopped"},
		world.Node{ID: "i-0000000000000000c", Ping: pingOnline, Unreachable: true}, world.Node{ID: "i-0000000000000000d", Ping: pingOnline, Region: "eu-west-1"},
		world.Node{ID: "i-0000000000000000e", Ping: pingOnline, Account: "444455556666"})
	w.Documents = []world.Document{{Name: "Patch", Type: "Command", Content: `{"schemaVersion":"2.2"}`}, {Name: "Broken", Content: `[]`}, {Name: "Elsewhere", Region: "eu-west-1", Content: builtinContent}}
	_, c := open(t, w, api.Options{Channels: &ready{}})
	const here = "i-0123456789abcdef0"
	for _, test := range []struct{ target, document, code, message string }{
		{"i-0000000000000000a", "", "TargetNotConnected", "i-0000000000000000a is not connected."},
		{"i-0000000000000000b", "", "TargetNotConnected", ""},
		{"i-0000000000000000c", "", "TargetNotConnected", ""},
		{"i-0000000000000000d", "", "TargetNotConnected", ""},
		{"i-0000000000000000e", "", "TargetNotConnected", ""},
		{"i-0fffffffffffffff0", "", "TargetNotConnected", ""},
		{"web-server", "", "TargetNotConnected", "web-server is not connected."},
		{"ecs:prod_x", "", "TargetNotConnected", ""},
		{here, "Patch", "InvalidDocument", "Document type: 'Command' is not supported. Only type: 'Session' is supported for Session Manager."},
		{here, "AWS-RunShellScript", "InvalidDocument", ""},
		{here, "NoSuch", "InvalidDocument", "Document with name NoSuch does not exist."},
		{here, "Elsewhere", "InvalidDocument", ""},
		{here, "Broken", "InvalidDocument", ""},
		{here, "bad name", "ValidationException", ""},
		{"", "", "ValidationException", ""},
		{strings.Repeat("x", 401), "", "ValidationException", ""},
	} {
		in := start{"Target": test.target}
		if test.document != "" {
			in["DocumentName"] = test.document
		}
		f := c.post(nil, "ssm", "StartSession", in)
		if f.Code != test.code || test.message != "" && f.Message != test.message {
			t.Errorf("%.30s %s: %+v, want %s", test.target, test.document, f, test.code)
		}
	}
	if f := c.post(nil, "ssm", "StartSession", []string{"no object"}); f.Code != "SerializationException" {
		t.Error(f)
	}
}

// Without a gateway the session fails inside AWS, and nothing else does.
func TestStartSessionWithoutChannels(t *testing.T) {
	_, c := open(t, sessionWorld(allow("ssm:*", "*")), api.Options{})
	if f := c.post(nil, "ssm", "StartSession", start{"Target": "i-0123456789abcdef0"}); f.Code != "InternalServerError" || f.Status != 500 {
		t.Error(f)
	}
}

func TestDescribeSessions(t *testing.T) {
	s, c := open(t, sessionWorld(allow("ssm:*", "*")), api.Options{Channels: &ready{}})
	var one, two sessionAnswer
	c.post(&one, "ssm", "StartSession", start{"Target": "i-0123456789abcdef0"})
	c.post(&two, "ssm", "StartSession", start{"Target": "i-0123456789abcdef0"})
	EndSession(s, one.SessionID)
	list := func(in start) (ids []string) {
		var a sessionsJSON
		if f := c.post(&a, "ssm", "DescribeSessions", in); f.Code != "" {
			t.Error(f)
		}
		for _, x := range a.Sessions {
			ids = append(ids, x.SessionID+" "+x.Status)
		}
		return ids
	}
	if diff := cmp.Diff([]string{two.SessionID + " Connected"}, list(start{"State": "Active"})); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{one.SessionID + " Terminated"}, list(start{"State": "History"})); diff != "" {
		t.Error(diff)
	}
	if got := list(start{"State": "Active", "Filters": []start{{"key": "Target", "value": "i-0fffffffffffffff0"}}}); got != nil {
		t.Error(got)
	}
}

// inventory is a world with nodes of every kind.
func inventory() world.World {
	w := userWith(allow("ssm:*", "ec2:*", "*"))
	w.Nodes = []world.Node{
		{ID: "i-0000000000000000a", Ping: pingOnline, Agent: "3.3.0.0", PrivateIP: "10.0.0.1", Profile: "node", Tags: map[string]string{"Name": "web", "Team": "a"}},
		{ID: "i-0000000000000000b", Ping: "ConnectionLost", Agent: "2.3.0.0", PrivateIP: "10.0.0.2", Tags: map[string]string{"Name": "web"}, State: "stopped"},
		{ID: "i-0000000000000000c", PrivateIP: "10.0.0.3", PrivateDNS: "db.local"},
		{ID: "i-0000000000000000d", Ping: pingOnline, Region: "eu-west-1", Tags: map[string]string{"Name": "far"}},
		{ID: "mi-0000000000000000a", Ping: pingOnline, Agent: "3.3.0.0", Platform: "Windows", Tags: map[string]string{"Site": "north"}},
	}
	return w
}

func TestDescribeInstanceInformation(t *testing.T) {
	_, c := open(t, inventory(), api.Options{})
	for _, test := range []struct {
		region string
		in     start
		want   []string
	}{
		{"us-east-1", start{}, []string{"i-0000000000000000a", "i-0000000000000000b", "mi-0000000000000000a"}},
		{"eu-west-1", start{}, []string{"i-0000000000000000d"}},
		{"us-east-1", start{"Filters": []start{{"Key": "InstanceIds", "Values": []string{"i-0000000000000000b"}}}}, []string{"i-0000000000000000b"}},
		{"us-east-1", start{"Filters": []start{{"Key": "tag:Name", "Values": []string{"web"}}, {"Key": "PingStatus", "Values": []string{"Online"}}}}, []string{"i-0000000000000000a"}},
		{"us-east-1", start{"InstanceInformationFilterList": []start{{"key": "ResourceType", "valueSet": []string{"ManagedInstance"}}}}, []string{"mi-0000000000000000a"}},
		{"us-east-1", start{"Filters": []start{{"Key": "tag-key", "Values": []string{"Site"}}}}, []string{"mi-0000000000000000a"}},
	} {
		var a nodesJSON
		if f := c.in(test.region).post(&a, "ssm", "DescribeInstanceInformation", test.in); f.Code != "" {
			t.Error(f)
		}
		var got []string
		for _, n := range a.InstanceInformationList {
			got = append(got, n.InstanceID)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%v: %s", test.in, diff)
		}
	}
	if f := c.post(nil, "ssm", "DescribeInstanceInformation", start{"Filters": []start{{"Key": "Color", "Values": []string{"red"}}}}); f.Code != "InvalidFilterKey" {
		t.Error(f)
	}
	var a nodesJSON
	if f := c.post(&a, "ssm", "DescribeInstanceInformation", start{"MaxResults": 2}); f.Code != "" || len(a.InstanceInformationList) != 2 || a.NextToken == "" {
		t.Errorf("first page: %+v %v", a, f)
	}
	if f := c.post(nil, "ssm", "DescribeInstanceInformation", start{"NextToken": "stray"}); f.Code != "InvalidNextToken" {
		t.Error(f)
	}
}

func TestGetConnectionStatus(t *testing.T) {
	_, c := open(t, inventory(), api.Options{})
	for target, want := range map[string]string{"i-0000000000000000a": "connected", "i-0000000000000000b": "notconnected", "i-0fffffffffffffff0": "notconnected", "mi-0000000000000000a": "connected"} {
		var a connectionJSON
		if f := c.post(&a, "ssm", "GetConnectionStatus", start{"Target": target}); f.Code != "" || a.Status != want || a.Target != target {
			t.Errorf("%s: %+v %v", target, a, f)
		}
	}
}

func TestDocuments(t *testing.T) {
	w := userWith(allow("ssm:*", "*"))
	w.Documents = []world.Document{{Name: "TeamShell", Tags: map[string]string{"Team": "db"}, Content: builtinContent}, {Name: "Shared", Account: "444455556666", Content: builtinContent}}
	_, c := open(t, w, api.Options{})
	var doc documentJSON
	if f := c.post(&doc, "ssm", "GetDocument", start{"Name": "TeamShell"}); f.Code != "" || doc.Content != builtinContent || doc.DocumentType != "Session" {
		t.Errorf("%+v %v", doc, f)
	}
	if f := c.post(nil, "ssm", "GetDocument", start{"Name": defaultDocument}); f.Code != "InvalidDocument" {
		t.Errorf("preferences that were never made: %+v", f)
	}
	if f := c.post(nil, "ssm", "GetDocument", start{"Name": "Shared"}); f.Code != "InvalidDocument" {
		t.Errorf("shared document by name: %+v", f)
	}
	if f := c.post(&doc, "ssm", "GetDocument", start{"Name": "arn:aws:ssm:us-east-1:444455556666:document/Shared"}); f.Code != "" || doc.Name != "Shared" {
		t.Errorf("shared document by ARN: %+v %v", doc, f)
	}
	var d struct{ Document documentDescription }
	if f := c.post(&d, "ssm", "DescribeDocument", start{"Name": "AWS-StartSSHSession"}); f.Code != "" || d.Document.Owner != "Amazon" || d.Document.Parameters[0].DefaultValue != "22" {
		t.Errorf("%+v %v", d, f)
	}
	var list documentsAnswer
	if f := c.post(&list, "ssm", "ListDocuments", start{"Filters": []start{{"Key": "Owner", "Values": []string{"Self"}}}}); f.Code != "" || len(list.DocumentIdentifiers) != 1 || list.DocumentIdentifiers[0].Name != "TeamShell" {
		t.Errorf("%+v %v", list, f)
	}
	var tags struct{ TagList []jsonTag }
	if f := c.post(&tags, "ssm", "ListTagsForResource", start{"ResourceType": "Document", "ResourceId": "TeamShell"}); f.Code != "" {
		t.Error(f)
	}
	if diff := cmp.Diff([]jsonTag{{"Team", "db"}}, tags.TagList); diff != "" {
		t.Error(diff)
	}
}

func TestListTagsForManagedInstance(t *testing.T) {
	_, c := open(t, inventory(), api.Options{})
	var tags struct{ TagList []jsonTag }
	if f := c.post(&tags, "ssm", "ListTagsForResource", start{"ResourceType": "ManagedInstance", "ResourceId": "mi-0000000000000000a"}); f.Code != "" || len(tags.TagList) != 1 {
		t.Errorf("%+v %v", tags, f)
	}
	if f := c.post(nil, "ssm", "ListTagsForResource", start{"ResourceType": "ManagedInstance", "ResourceId": "i-0000000000000000a"}); f.Code != "InvalidResourceId" {
		t.Error(f)
	}
	if f := c.post(nil, "ssm", "ListTagsForResource", start{"ResourceType": "Pizza", "ResourceId": "x"}); f.Code != "InvalidResourceType" {
		t.Error(f)
	}
}

// The prefix of a session id is the caller's name, as far as it can be written.
func TestSessionIDPrefix(t *testing.T) {
	w := sessionWorld(allow("ssm:*", "*"))
	w.Roles = []world.Role{{Principal: world.Principal{Name: "dev", Inline: []world.Policy{{Name: "p", Document: allow("ssm:*", "*")}}}}}
	w.Logins = []world.Login{{Name: "dev", Principal: "role/dev", Session: "alice@example.com"}, {Name: "node", Principal: "role/dev", Session: strings.Repeat("n", 64)}, {Name: "root", Principal: "root"}}
	s, c := open(t, w, api.Options{Channels: &ready{}})
	for i, want := range []string{"alice@example.com-", strings.Repeat("n", 64) + "-", testAccount + "-"} {
		var got sessionAnswer
		if f := c.as(s.Logins()[i]).post(&got, "ssm", "StartSession", start{"Target": "i-0123456789abcdef0"}); f.Code != "" {
			t.Error(f)
		}
		if !strings.HasPrefix(got.SessionID, want) || len(got.SessionID) > 96 {
			t.Errorf("%s, want the prefix %s", got.SessionID, want)
		}
	}
}
