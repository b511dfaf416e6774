package awsiam

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ssmguard/guard"
	"ssmguard/internal/sandbox/world"
)

const (
	hybrid    = "mi-0123456789abcdef0"
	task      = "ecs:prod_web_0123456789abcdef0123456789abcdef_0123456789abcdef0123456789abcdef-265927825"
	keyID     = "11111111-2222-3333-4444-555555555555"
	keyARN    = "arn:aws:kms:eu-central-1:111122223333:key/" + keyID
	taskID    = "0123456789abcdef0123456789abcdef"
	runtimeID = taskID + "-265927825"
)

// factsWorld is an account with one of everything that facts speak of.
func factsWorld() world.World {
	w := devWorld()
	w.Roles[0].Inline = []world.Policy{inline("all", allowAll)}
	w.Nodes = []world.Node{
		{ID: bastion, Tags: map[string]string{"Name": "bastion", "empty": ""}, Ping: "Online", Agent: "3.3.1.0", Profile: "ssm"},
		{ID: "i-00000000000000001", Ping: "", State: "stopped"},
		{ID: "i-00000000000000002", Region: "eu-west-1", Ping: "Online"},
		{ID: hybrid, Tags: map[string]string{"Name": "lathe"}, Ping: "ConnectionLost", Agent: "2.3.0.0", Platform: "Windows"},
	}
	w.Tasks = []world.Task{{Cluster: "prod_web", ID: taskID, Tags: map[string]string{"app": "web"}, Containers: []world.Container{{Name: "web", RuntimeID: runtimeID}}}}
	w.Keys = []world.Key{{ID: keyID, Alias: "sessions"}}
	w.Documents = []world.Document{
		{Name: "Shell", Content: `{"schemaVersion":"1.0","sessionType":"Standard_Stream","inputs":{"kmsKeyId":"alias/sessions"}}`, Tags: map[string]string{"team": "data"}},
		{Name: "Tail", Content: `{"schemaVersion":"1.0","sessionType":"InteractiveCommands","properties":{"linux":{"commands":"tail -f /var/log/messages"}}}`},
		{Name: "Run", Type: "Command", Content: `{"schemaVersion":"2.2","mainSteps":[]}`},
	}
	return w
}

var ignoreTimes = cmp.Options{cmpopts.IgnoreFields(guard.Facts{}, "At"), cmpopts.IgnoreFields(guard.Health{}, "LastPing")}

func TestFactsOfTargets(t *testing.T) {
	c, _ := serve(t, factsWorld(), Options{})
	for _, tt := range []struct {
		target  string
		tags    map[string]string
		health  guard.Health
		unknown []string
	}{
		{bastion, map[string]string{"Name": "bastion", "empty": ""}, guard.Health{
			Registered: aws.Bool(true), Ping: "Online", Connection: "connected", AgentVersion: "3.3.1.0", Platform: "Linux", State: "running",
			Profile: aws.String("arn:aws:iam::111122223333:instance-profile/ssm")}, nil},
		{"i-00000000000000001", map[string]string{}, guard.Health{
			Registered: aws.Bool(false), Connection: "notconnected", State: "stopped", Profile: aws.String("")}, nil},
		{"i-00000000000000002", nil, guard.Health{
			Registered: aws.Bool(false), Connection: "notconnected", Missing: true, FoundIn: "eu-west-1"}, []string{guard.UnknownTargetTags}},
		{"i-00000000000000009", nil, guard.Health{
			Registered: aws.Bool(false), Connection: "notconnected", Missing: true}, []string{guard.UnknownTargetTags}},
		{hybrid, map[string]string{"Name": "lathe"}, guard.Health{
			Registered: aws.Bool(true), Ping: "ConnectionLost", Connection: "notconnected", AgentVersion: "2.3.0.0", Platform: "Windows"}, nil},
		{task, map[string]string{"app": "web"}, guard.Health{
			State: "RUNNING", ExecEnabled: aws.Bool(true)}, nil},
	} {
		t.Run(tt.target, func(t *testing.T) {
			f, err := c.Facts(t.Context(), guard.Request{Region: testRegion, Target: tt.target, Document: "AWS-StartSSHSession"})
			if err != nil {
				t.Error(err)
			}
			want := guard.Facts{
				TargetTags: tt.tags, DocumentTags: map[string]string{}, DocumentOwner: "Amazon", DocumentType: "Session", SessionType: "Port",
				Health: tt.health, Unknown: tt.unknown,
			}
			if diff := cmp.Diff(want, f, ignoreTimes); diff != "" {
				t.Error(diff)
			}
			if f.At.IsZero() {
				t.Error("no time")
			}
		})
	}
}

func TestFactsOfDocuments(t *testing.T) {
	encrypted := factsWorld()
	encrypted.Documents = append(encrypted.Documents, world.Document{
		Name: guard.DefaultDocument, Content: `{"schemaVersion":"1.0","sessionType":"Standard_Stream","inputs":{"kmsKeyId":"` + keyARN + `"}}`})
	shared := factsWorld()
	shared.Documents = append(shared.Documents, world.Document{
		Name: "Theirs", Account: "999988887777", Content: `{"schemaVersion":"1.0","sessionType":"Standard_Stream"}`, Tags: map[string]string{"team": "web"}})
	none := map[string]string{}
	listed := []string{"AWS-StartInteractiveCommand", "AWS-StartNonInteractiveCommand", "AWS-StartPortForwardingSession", "AWS-StartPortForwardingSessionToRemoteHost",
		"AWS-StartPortForwardingSessionToSocket", "AWS-StartSSHSession", "AmazonECS-ExecuteInteractiveCommand", "Shell", "Tail"}
	for _, tt := range []struct {
		name, document string
		world          world.World
		want           guard.Facts
	}{
		{"default, never made", "", factsWorld(), guard.Facts{DocumentTags: none, DocumentType: "Session", SessionType: "Standard_Stream"}},
		{"default", "", encrypted, guard.Facts{DocumentTags: none, DocumentOwner: testAccount, DocumentType: "Session", SessionType: "Standard_Stream", KMSKey: keyARN}},
		{"own, with an alias", "Shell", factsWorld(), guard.Facts{DocumentTags: map[string]string{"team": "data"}, DocumentOwner: testAccount,
			DocumentType: "Session", SessionType: "Standard_Stream", KMSKey: keyARN, KMSAlias: "alias/sessions"}},
		{"own command, encrypted by the preferences", "Tail", encrypted, guard.Facts{DocumentTags: none, DocumentOwner: testAccount,
			DocumentType: "Session", SessionType: "InteractiveCommands", KMSKey: keyARN}},
		{"AWS's command", "AWS-StartInteractiveCommand", encrypted, guard.Facts{DocumentTags: none, DocumentOwner: "Amazon",
			DocumentType: "Session", SessionType: "InteractiveCommands", KMSKey: keyARN}},
		{"AWS's tunnel by ARN", "arn:aws:ssm:eu-central-1::document/AWS-StartPortForwardingSession", encrypted, guard.Facts{DocumentTags: none,
			DocumentOwner: "Amazon", DocumentType: "Session", SessionType: "Port"}},
		{"another account's, by ARN", "arn:aws:ssm:eu-central-1:999988887777:document/Theirs", shared, guard.Facts{DocumentOwner: "999988887777",
			DocumentType: "Session", SessionType: "Standard_Stream", Unknown: []string{guard.UnknownDocumentTags}}},
		{"not for sessions", "Run", factsWorld(), guard.Facts{DocumentTags: none, DocumentOwner: testAccount, DocumentType: "Command"}},
		{"nowhere", "Nope", factsWorld(), guard.Facts{DocumentTags: none, DocumentMissing: true, SessionDocuments: listed, Unknown: []string{guard.UnknownKMSKey}}},
		{"nowhere, with a name of AWS's", "AWS-StartPortForwardSession", factsWorld(), guard.Facts{DocumentTags: none, DocumentMissing: true,
			SessionDocuments: listed, Unknown: []string{guard.UnknownKMSKey}}},
		{"another account's, not shared", "arn:aws:ssm:eu-central-1:999988887777:document/Mine", shared, guard.Facts{DocumentMissing: true,
			SessionDocuments: append(listed[:len(listed):len(listed)], "Theirs"),
			Unknown:          []string{guard.UnknownDocumentTags, guard.UnknownKMSKey}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, _ := serve(t, tt.world, Options{})
			f, err := c.Facts(t.Context(), guard.Request{Region: testRegion, Document: tt.document})
			if err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(tt.want, f, ignoreTimes); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A fact that was refused is unknown, not absent, and costs no other fact.
func TestFactsRefused(t *testing.T) {
	for _, tt := range []struct {
		name, deny, target, document string
		unknown                      []string
		unseen                       string
	}{
		{"instance", "ec2:DescribeInstances", bastion, "Shell", []string{guard.UnknownTargetTags, guard.UnknownHealth}, "ec2:DescribeInstances"},
		{"tags", "ssm:ListTagsForResource", hybrid, "Shell", []string{guard.UnknownTargetTags, guard.UnknownDocumentTags}, "ssm:ListTagsForResource"},
		{"task", "ecs:*", task, "Shell", []string{guard.UnknownTargetTags, guard.UnknownHealth}, "ecs:DescribeTasks"},
		{"key", "kms:*", "", "Shell", []string{guard.UnknownKMSKey}, "kms:DescribeKey"},
		{"document", "ssm:GetDocument", "", "Shell", []string{guard.UnknownKMSKey}, "ssm:GetDocument"},
		{"document altogether", "ssm:*Document", "", "Shell", []string{guard.UnknownKMSKey, guard.UnknownDocumentType}, "ssm:DescribeDocument, ssm:GetDocument"},
		{"a document that is nowhere", "ssm:*Document", "", "Nope", []string{guard.UnknownKMSKey, guard.UnknownDocumentType}, "ssm:DescribeDocument, ssm:GetDocument"},
		{"the list of documents", "ssm:ListDocuments", "", "Nope", []string{guard.UnknownKMSKey}, ""},
		{"preferences", "ssm:GetDocument", "", "AWS-StartNonInteractiveCommand", []string{guard.UnknownKMSKey}, "ssm:GetDocument"},
		{"agent", "ssm:DescribeInstanceInformation", bastion, "Shell", []string{guard.UnknownHealth}, "ssm:DescribeInstanceInformation"},
		{"connection", "ssm:GetConnectionStatus", bastion, "Shell", []string{guard.UnknownHealth}, "ssm:GetConnectionStatus"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := factsWorld()
			w.Roles[0].Inline = append(w.Roles[0].Inline, inline("no", statement(`{"Effect":"Deny","Action":"`+tt.deny+`","Resource":"*"}`)))
			c, _ := serve(t, w, Options{})
			f, err := c.Facts(t.Context(), guard.Request{Region: testRegion, Target: tt.target, Document: tt.document})
			wantUnseen(t, err, tt.unseen)
			if diff := cmp.Diff(tt.unknown, f.Unknown); diff != "" {
				t.Error(diff)
			}
			if read := !strings.Contains(tt.unseen, "Document"); f.DocumentMissing != (read && tt.document == "Nope") {
				t.Errorf("missing: %v", f.DocumentMissing)
			}
		})
	}
}

// TestDocumentNotDescribed: who may read the document misses nothing, so there
// is no error that would cost the other facts.
func TestDocumentNotDescribed(t *testing.T) {
	w := factsWorld()
	w.Roles[0].Inline = append(w.Roles[0].Inline, inline("no", statement(`{"Effect":"Deny","Action":"ssm:DescribeDocument","Resource":"*"}`)))
	c, _ := serve(t, w, Options{})
	f, err := c.Facts(t.Context(), guard.Request{Region: testRegion, Document: "Shell"})
	if err != nil {
		t.Error(err)
	}
	want := guard.Facts{DocumentTags: map[string]string{"team": "data"}, DocumentType: "Session", SessionType: "Standard_Stream", KMSKey: keyARN, KMSAlias: "alias/sessions"}
	if diff := cmp.Diff(want, f, ignoreTimes); diff != "" {
		t.Error(diff)
	}
}

func TestFactsOfGarbage(t *testing.T) {
	c, _ := newFake(t, Options{}, map[string]func(http.ResponseWriter, fakeCall){
		"GetDocument":         text(`{"Name":"x","DocumentType":"Session","Content":"schemaVersion: 1.0"}`),
		"DescribeDocument":    text(`<html>`),
		"ListTagsForResource": text(`{"TagList":[]}`),
	})
	f, err := c.Facts(t.Context(), guard.Request{Document: "x"})
	if KindOf(err) != KindUnreachable {
		t.Errorf("error %v", err)
	}
	if diff := cmp.Diff([]string{guard.UnknownKMSKey, guard.UnknownDocumentType}, f.Unknown); diff != "" {
		t.Error(diff)
	}
}
