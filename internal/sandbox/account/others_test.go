package account

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ssmguard/internal/sandbox/api"
	"ssmguard/internal/sandbox/world"
)

const keyARN = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"

func withKey(documents ...string) world.World {
	w := sessionWorld(documents...)
	w.Keys = []world.Key{{ID: "1234abcd-12ab-34cd-56ef-1234567890ab", Alias: "sessions"}}
	w.Documents = []world.Document{{Name: defaultDocument, Content: `{"schemaVersion":"1.0","sessionType":"Standard_Stream","inputs":{"kmsKeyId":"alias/sessions"}}`}}
	return w
}

// The plugin's data key opens only under the context it was made with.
func TestGenerateDataKey(t *testing.T) {
	s, c := open(t, withKey(allow("kms:GenerateDataKey", keyARN)), api.Options{})
	context := map[string]string{"aws:ssm:SessionId": "alice-1", "aws:ssm:TargetId": "i-0123456789abcdef0"}
	var a dataKeyAnswer
	if f := c.post(&a, "kms", "GenerateDataKey", start{"KeyId": keyARN, "NumberOfBytes": 64, "EncryptionContext": context}); f.Code != "" {
		t.Fatal(f)
	}
	if len(a.Plaintext) != 64 || a.KeyID != keyARN {
		t.Errorf("%d bytes of %s", len(a.Plaintext), a.KeyID)
	}
	plain, err := Decrypt(s, a.CiphertextBlob, context)
	if err != nil || string(plain) != string(a.Plaintext) {
		t.Errorf("decrypted %d bytes, %v", len(plain), err)
	}
	for name, other := range map[string]map[string]string{"no context": nil, "another session": {"aws:ssm:SessionId": "eve-1", "aws:ssm:TargetId": "i-0123456789abcdef0"}} {
		if _, err := Decrypt(s, a.CiphertextBlob, other); err == nil {
			t.Errorf("%s: decrypted", name)
		}
	}
	if _, err := Decrypt(s, []byte("stray"), context); err == nil {
		t.Error("decrypted what was never encrypted")
	}
}

func TestKMSRefused(t *testing.T) {
	_, c := open(t, withKey(), api.Options{})
	f := c.post(nil, "kms", "GenerateDataKey", start{"KeyId": "alias/sessions", "NumberOfBytes": 64})
	want := failure{400, "AccessDeniedException", "User: " + aliceARN + " is not authorized to perform: kms:GenerateDataKey on resource: " + keyARN + " because no identity-based policy allows the kms:GenerateDataKey action"}
	if diff := cmp.Diff(want, f); diff != "" {
		t.Error(diff)
	}
	w := withKey(allow("*", "*"))
	w.Keys[0].Sealed = true
	_, c = open(t, w, api.Options{})
	if f := c.post(nil, "kms", "DescribeKey", start{"KeyId": keyARN}); !strings.HasSuffix(f.Message, "because no resource-based policy allows the kms:DescribeKey action") {
		t.Error(f)
	}
	if f := c.post(nil, "kms", "DescribeKey", start{"KeyId": "alias/none"}); f.Code != "NotFoundException" {
		t.Error(f)
	}
	_, c = open(t, withKey(allow("*", "*")), api.Options{})
	if f := c.post(nil, "kms", "GenerateDataKey", start{"KeyId": keyARN}); f.Code != "ValidationException" {
		t.Error(f)
	}
	var d struct{ KeyMetadata keyMetadata }
	if f := c.post(&d, "kms", "DescribeKey", start{"KeyId": "alias/sessions"}); f.Code != "" || d.KeyMetadata.Arn != keyARN {
		t.Errorf("%+v %v", d, f)
	}
}

// An RCP reaches KMS, unlike Systems Manager.
func TestRCPReachesKMS(t *testing.T) {
	w := withKey(allow("*", "*"))
	rcp := strings.Replace(deny("kms:*", "*"), `"Effect"`, `"Principal":"*","Effect"`, 1)
	w.Organization = &world.Organization{ID: "o-1", ManagementAccount: "999988887777", Levels: []world.Level{{ID: "r-1", SCPs: []world.Policy{{Name: "scp", Document: allow("*", "*")}}, RCPs: []world.Policy{{Name: "rcp", Document: rcp}}}}}
	_, c := open(t, w, api.Options{})
	if f := c.post(nil, "kms", "DescribeKey", start{"KeyId": keyARN}); !strings.HasSuffix(f.Message, "with an explicit deny in a resource control policy") {
		t.Error(f)
	}
	w.Organization.Levels[0].RCPs[0].Document = strings.Replace(deny("ssm:*", "*"), `"Effect"`, `"Principal":"*","Effect"`, 1)
	_, c = open(t, w, api.Options{})
	if f := c.post(nil, "ssm", "DescribeSessions", start{"State": "Active"}); f.Code != "" {
		t.Errorf("an RCP reaches Systems Manager: %+v", f)
	}
}

// The preferences' key encrypts shells, never ports.
func TestSessionKey(t *testing.T) {
	gateway := &ready{}
	_, c := open(t, withKey(allow("ssm:*", "*")), api.Options{Channels: gateway})
	c.post(nil, "ssm", "StartSession", start{"Target": "i-0123456789abcdef0"})
	c.post(nil, "ssm", "StartSession", start{"Target": "i-0123456789abcdef0", "DocumentName": "AWS-StartInteractiveCommand", "Parameters": start{"command": []string{"id"}}})
	c.post(nil, "ssm", "StartSession", start{"Target": "i-0123456789abcdef0", "DocumentName": "AWS-StartPortForwardingSession"})
	var keys []string
	for _, s := range gateway.started {
		keys = append(keys, s.KMSKeyID)
	}
	if diff := cmp.Diff([]string{keyARN, keyARN, ""}, keys); diff != "" {
		t.Error(diff)
	}
}

func withTask(documents ...string) world.World {
	w := userWith(documents...)
	w.Tasks = []world.Task{
		{Cluster: "prod", ID: "0123456789abcdef0123456789abcdef", Tags: map[string]string{"Team": "web"}, Containers: []world.Container{{Name: "app", RuntimeID: "abc-1"}, {Name: "sidecar", RuntimeID: "abc-2"}}},
		{Cluster: "prod", ID: "ffffffffffffffffffffffffffffffff", Stopped: true, Containers: []world.Container{{Name: "app", RuntimeID: "def-1"}}},
	}
	return w
}

// TestClusterWithUnderscore: the parts of a target are told apart from its end.
func TestClusterWithUnderscore(t *testing.T) {
	w := withTask(allow("ecs:*", "ssm:StartSession", "*"))
	w.Tasks[0].Cluster = "my_prod"
	_, c := open(t, w, api.Options{Channels: &ready{}})
	for target, want := range map[string]string{
		"ecs:my_prod_0123456789abcdef0123456789abcdef_abc-1": "",
		"ecs:prod_0123456789abcdef0123456789abcdef_abc-1":    "TargetNotConnected",
		"ecs:0123456789abcdef0123456789abcdef_abc-1":         "TargetNotConnected",
	} {
		if f := c.post(nil, "ssm", "StartSession", start{"Target": target}); f.Code != want {
			t.Errorf("%s: %q", target, f.Code)
		}
	}
}

func TestECS(t *testing.T) {
	gateway := &ready{}
	const taskID = "0123456789abcdef0123456789abcdef"
	_, c := open(t, withTask(allow("ecs:*", "ssm:StartSession", "*")), api.Options{Channels: gateway})
	var d describeTasksAnswer
	if f := c.post(&d, "ecs", "DescribeTasks", start{"cluster": "prod", "tasks": []string{taskID, "none"}, "include": []string{"TAGS"}}); f.Code != "" {
		t.Fatal(f)
	}
	if len(d.Tasks) != 1 || d.Tasks[0].TaskARN != "arn:aws:ecs:us-east-1:111122223333:task/prod/"+taskID || d.Tasks[0].Containers[0].RuntimeID != "abc-1" || len(d.Tasks[0].Tags) != 1 || len(d.Failures) != 1 || d.Failures[0].Reason != "MISSING" {
		t.Errorf("%+v", d)
	}
	if f := c.post(nil, "ssm", "StartSession", start{"Target": "ecs:prod_" + taskID + "_abc-1"}); f.Code != "" {
		t.Error(f)
	}
	var e executeCommandAnswer
	if f := c.post(&e, "ecs", "ExecuteCommand", start{"cluster": "prod", "task": taskID, "container": "app", "command": "id", "interactive": true}); f.Code != "" || !strings.HasPrefix(e.Session.SessionID, "ecs-execute-command-") {
		t.Errorf("%+v %v", e, f)
	}
	if last := gateway.started[len(gateway.started)-1]; last.Target != "ecs:prod_"+taskID+"_abc-1" || !strings.Contains(string(last.Properties), `"commands":"id"`) {
		t.Errorf("%+v", last)
	}
	for name, in := range map[string]start{
		"no task": {"cluster": "prod", "task": "none"}, "which container": {"cluster": "prod", "task": taskID}, "stopped": {"cluster": "prod", "task": "ffffffffffffffffffffffffffffffff"},
	} {
		if f := c.post(nil, "ecs", "ExecuteCommand", in); f.Code != "InvalidParameterException" {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

// ECS Exec needs ecs:ExecuteCommand on the task and on the cluster.
func TestECSRefused(t *testing.T) {
	const task = "arn:aws:ecs:us-east-1:111122223333:task/prod/0123456789abcdef0123456789abcdef"
	in := start{"cluster": "prod", "task": task, "container": "app", "command": "id"}
	for documents, want := range map[string]string{
		"":                                task,
		allow("ecs:ExecuteCommand", task): "arn:aws:ecs:us-east-1:111122223333:cluster/prod",
		// The cluster does not have the tags of its tasks.
		`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"ecs:ExecuteCommand","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/Team":"web"}}}}`: "arn:aws:ecs:us-east-1:111122223333:cluster/prod",
	} {
		w := withTask()
		if documents != "" {
			w = withTask(documents)
		}
		_, c := open(t, w, api.Options{Channels: &ready{}})
		if f := c.post(nil, "ecs", "ExecuteCommand", in); f.Code != "AccessDeniedException" || !strings.Contains(f.Message, "on resource: "+want+" ") {
			t.Errorf("%+v, want a denial on %s", f, want)
		}
	}
}

// company's organization, root to account.
func organized(delegated bool) world.World {
	w := userWith(allow("*", "*"))
	full := world.Policy{Name: "FullAWSAccess", AWS: true, Document: allow("*", "*")}
	w.Organization = &world.Organization{ID: "o-1", ManagementAccount: "999988887777", Delegated: delegated, Levels: []world.Level{
		{ID: "r-1", Name: "Root", SCPs: []world.Policy{full}}, {ID: "ou-1", SCPs: []world.Policy{full, {Name: "guard", Document: deny("s3:*", "*")}}}, {ID: testAccount, SCPs: []world.Policy{full}},
	}}
	return w
}

func TestOrganizations(t *testing.T) {
	_, c := open(t, organized(true), api.Options{})
	var org struct{ Organization organizationJSON }
	if f := c.post(&org, "organizations", "DescribeOrganization", start{}); f.Code != "" || org.Organization.MasterAccountID != "999988887777" {
		t.Errorf("%+v %v", org, f)
	}
	var parents struct{ Parents []parentJSON }
	if f := c.post(&parents, "organizations", "ListParents", start{"ChildId": testAccount}); f.Code != "" || parents.Parents[0] != (parentJSON{"ou-1", "ORGANIZATIONAL_UNIT"}) {
		t.Errorf("%+v %v", parents, f)
	}
	if f := c.post(&parents, "organizations", "ListParents", start{"ChildId": "ou-1"}); f.Code != "" || parents.Parents[0] != (parentJSON{"r-1", "ROOT"}) {
		t.Errorf("%+v %v", parents, f)
	}
	var account struct{ Account accountJSON }
	if f := c.post(&account, "organizations", "DescribeAccount", start{"AccountId": testAccount}); f.Code != "" || account.Account.Paths[0] != "o-1/r-1/ou-1/"+testAccount+"/" {
		t.Errorf("%+v %v", account, f)
	}
	var roots struct{ Roots []rootJSON }
	if f := c.post(&roots, "organizations", "ListRoots", start{}); f.Code != "" || roots.Roots[0].ID != "r-1" {
		t.Errorf("%+v %v", roots, f)
	}
	var list struct{ Policies []summaryJSON }
	if f := c.post(&list, "organizations", "ListPoliciesForTarget", start{"TargetId": "ou-1", "Filter": api.ScpType}); f.Code != "" || len(list.Policies) != 2 || list.Policies[0].ID != "p-FullAWSAccess" {
		t.Fatalf("%+v %v", list, f)
	}
	var content struct {
		Policy struct {
			PolicySummary summaryJSON
			Content       string
		}
	}
	if f := c.post(&content, "organizations", "DescribePolicy", start{"PolicyId": list.Policies[1].ID}); f.Code != "" || content.Policy.Content != deny("s3:*", "*") {
		t.Errorf("%+v %v", content, f)
	}
	if f := c.post(&list, "organizations", "ListPoliciesForTarget", start{"TargetId": "r-1", "Filter": api.RcpType}); f.Code != "" || list.Policies[0].Name != "RCPFullAWSAccess" {
		t.Errorf("%+v %v", list, f)
	}
	for _, test := range []struct {
		operation string
		in        start
		code      string
	}{
		{"DescribePolicy", start{"PolicyId": "p-none"}, "PolicyNotFoundException"},
		{"ListParents", start{"ChildId": "r-1"}, "ChildNotFoundException"},
		{"DescribeAccount", start{"AccountId": "444455556666"}, "AccountNotFoundException"},
		{"ListPoliciesForTarget", start{"TargetId": "ou-9", "Filter": api.ScpType}, "TargetNotFoundException"},
		{"ListPoliciesForTarget", start{"TargetId": "ou-1", "Filter": "PIZZA"}, "InvalidInputException"},
	} {
		if f := c.post(nil, "organizations", test.operation, test.in); f.Code != test.code {
			t.Errorf("%s %v: %+v", test.operation, test.in, f)
		}
	}
}

// A member account learns that there is an organization, and no more.
func TestOrganizationsOfAMember(t *testing.T) {
	_, c := open(t, organized(false), api.Options{})
	if f := c.post(nil, "organizations", "DescribeOrganization", start{}); f.Code != "" {
		t.Error(f)
	}
	for operation, in := range map[string]start{"ListRoots": {}, "DescribeAccount": {"AccountId": testAccount}, "ListParents": {"ChildId": testAccount}, "DescribePolicy": {"PolicyId": "p-FullAWSAccess"}, "ListPoliciesForTarget": {"TargetId": "r-1", "Filter": api.ScpType}} {
		if f := c.post(nil, "organizations", operation, in); f.Code != "AccessDeniedException" {
			t.Errorf("%s: %+v", operation, f)
		}
	}
	_, c = open(t, userWith(allow("*", "*")), api.Options{})
	if f := c.post(nil, "organizations", "DescribeOrganization", start{}); f.Code != "AWSOrganizationsNotInUseException" {
		t.Error(f)
	}
}
