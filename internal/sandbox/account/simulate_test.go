package account

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ssmguard/internal/sandbox/api"
	"ssmguard/internal/sandbox/world"
)

const (
	aliceARN    = "arn:aws:iam::111122223333:user/alice"
	instanceARN = "arn:aws:ec2:us-east-1:111122223333:instance/i-0123456789abcdef0"
	shellARN    = "arn:aws:ssm:us-east-1:111122223333:document/SSM-SessionManagerRunShell"
)

// simulate asks about ssm:StartSession on resources, with context entries "key=value".
func simulate(t *testing.T, c *client, source string, resources []string, entries ...string) evaluationResultXML {
	t.Helper()
	pairs := []string{"PolicySourceArn", source, "ActionNames.member.1", "ssm:StartSession"}
	for i, r := range resources {
		pairs = append(pairs, fmt.Sprintf("ResourceArns.member.%d", i+1), r)
	}
	for i, e := range entries {
		key, value, _ := strings.Cut(e, "=")
		prefix := fmt.Sprintf("ContextEntries.member.%d.", i+1)
		pairs = append(pairs, prefix+"ContextKeyName", key, prefix+"ContextKeyType", "string", prefix+"ContextKeyValues.member.1", value)
	}
	var a simulationAnswer
	if f := c.ask(&a, "iam", "SimulatePrincipalPolicy", pairs...); f.Code != "" {
		t.Fatal(f)
	}
	if len(a.EvaluationResults) != 1 {
		t.Fatalf("%d results for one action", len(a.EvaluationResults))
	}
	return a.EvaluationResults[0]
}

// conditional is a policy under StringEquals of one key.
func conditional(effect, action, key, value string) string {
	return fmt.Sprintf(`{
  "Version": "2012-10-17",
  "Statement": [
    {"Sid": "First", "Effect": "Deny", "Action": "s3:*", "Resource": "*"},
    {"Effect": %q, "Action": %q, "Resource": "*", "Condition": {"StringEquals": {%q: %q}}}
  ]
}`, effect, action, key, value)
}

// One result per action; the decisions per resource, the statements with their
// positions and the missing keys are inside it, and the worst decision on top.
func TestSimulationResult(t *testing.T) {
	w := userWith(allow("iam:SimulatePrincipalPolicy", "*"), conditional("Allow", "ssm:StartSession", "ssm:resourceTag/Name", "bastion"))
	_, c := open(t, w, api.Options{})
	got := simulate(t, c, aliceARN, []string{instanceARN, shellARN})
	want := evaluationResultXML{
		EvalActionName: "ssm:StartSession", EvalResourceName: "*", EvalDecision: "implicitDeny",
		ResourceSpecificResults: []resourceResultXML{
			{EvalResourceName: instanceARN, EvalResourceDecision: "implicitDeny", MissingContextValues: []string{"ssm:resourceTag/Name"}},
			{EvalResourceName: shellARN, EvalResourceDecision: "implicitDeny", MissingContextValues: []string{"ssm:resourceTag/Name"}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	// An entry holds for every resource of the call: the document gets the instance's tag.
	got = simulate(t, c, aliceARN, []string{instanceARN, shellARN}, "SSM:ResourceTag/name=bastion")
	statement := statementXML{"user_alice_p2", "user", positionXML{5, 5}, positionXML{5, 139}}
	if got.EvalDecision != "allowed" || len(got.ResourceSpecificResults) != 2 {
		t.Fatalf("%+v", got)
	}
	if diff := cmp.Diff([]statementXML{statement}, got.ResourceSpecificResults[1].MatchedStatements); diff != "" {
		t.Error(diff)
	}
	if got := simulate(t, c, aliceARN, []string{shellARN}).EvalResourceName; got != "arn:${Partition}:ssm:${Region}:${Account}:document/${DocumentName}" {
		t.Errorf("resource of one type: %s", got)
	}
	if got := simulate(t, c, aliceARN, nil); got.EvalResourceName != "*" || len(got.ResourceSpecificResults) != 0 || len(got.MissingContextValues) != 1 {
		t.Errorf("without resources: %+v", got)
	}
}

// The keys about the source that the simulator fills in, and those that it does not.
func TestSimulationFillsIn(t *testing.T) {
	for _, test := range []struct {
		key, value string
		filled     bool
	}{
		{"aws:username", "alice", true},
		{"aws:userid", api.MadeUpID("AIDA", "alice"), true},
		{"aws:PrincipalAccount", testAccount, true},
		{"aws:PrincipalType", "User", true},
		{"aws:PrincipalArn", aliceARN, false},
		{"aws:PrincipalTag/Team", "db", false},
		{"aws:RequestedRegion", "us-east-1", false},
		{"aws:SourceIp", "127.0.0.1", false},
		{"aws:MultiFactorAuthPresent", "true", false},
	} {
		w := userWith(allow("iam:SimulatePrincipalPolicy", "*"), conditional("Allow", "ssm:StartSession", test.key, test.value))
		w.Users[0].Tags = map[string]string{"Team": "db"}
		_, c := open(t, w, api.Options{})
		got := simulate(t, c, aliceARN, []string{instanceARN})
		if (got.EvalDecision == "allowed") != test.filled {
			t.Errorf("%s: %s", test.key, got.EvalDecision)
		}
		if got := simulate(t, c, aliceARN, []string{instanceARN}, test.key+"="+test.value); got.EvalDecision != "allowed" {
			t.Errorf("%s given: %s", test.key, got.EvalDecision)
		}
	}
}

// The policies of an organization count and are never shown.
func TestSimulationUnderOrganization(t *testing.T) {
	for _, test := range []struct {
		name, scp, decision string
		allowed             bool
	}{
		{"allowing", allow("*", "*"), "allowed", true},
		{"denying", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"ssm:*","Resource":"*"}]}`, "explicitDeny", false},
		{"not allowing", allow("iam:*", "*"), "implicitDeny", false},
		{"region guard without the region", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","NotAction":"iam:*","Resource":"*","Condition":{"StringNotEquals":{"aws:RequestedRegion":"us-east-1"}}}]}`, "explicitDeny", false},
	} {
		w := userWith(allow("*", "*"))
		w.Organization = &world.Organization{ID: "o-1", ManagementAccount: "999988887777", Levels: []world.Level{{ID: "r-1", SCPs: []world.Policy{{Name: "scp", Document: test.scp}}}}}
		_, c := open(t, w, api.Options{})
		got := simulate(t, c, aliceARN, []string{instanceARN})
		if got.EvalDecision != test.decision || got.OrganizationsDecisionDetail == nil || got.OrganizationsDecisionDetail.AllowedByOrganizations != test.allowed {
			t.Errorf("%s: %+v", test.name, got)
		}
		if r := got.ResourceSpecificResults[0]; !test.allowed && (len(r.MatchedStatements) > 0 || len(r.MissingContextValues) > 0) {
			t.Errorf("%s: shows %+v", test.name, r)
		}
		w.Organization.ManagementAccount = testAccount
		_, c = open(t, w, api.Options{})
		if got := simulate(t, c, aliceARN, []string{instanceARN}); got.EvalDecision != "allowed" {
			t.Errorf("%s, in the management account: %+v", test.name, got)
		}
	}
}

func TestSimulationOfABoundary(t *testing.T) {
	w := userWith(allow("*", "*"))
	w.Policies = []world.Policy{{Name: "limit", Document: allow("iam:*", "*")}}
	w.Users[0].Boundary = "limit"
	_, c := open(t, w, api.Options{})
	got := simulate(t, c, aliceARN, []string{instanceARN}).ResourceSpecificResults[0]
	if got.EvalResourceDecision != "implicitDeny" || got.PermissionsBoundaryDecisionDetail == nil || got.PermissionsBoundaryDecisionDetail.AllowedByPermissionsBoundary {
		t.Errorf("%+v", got)
	}
	ask := []string{"PolicySourceArn", aliceARN, "ActionNames.member.1", "ssm:StartSession"}
	for _, pairs := range [][]string{{"PermissionsBoundaryPolicyInputList.member.1", allow("ssm:*", "*")}, {"PolicyExclusionList.member.1.PolicyType", "permission-boundary"}} {
		var a simulationAnswer
		if f := c.ask(&a, "iam", "SimulatePrincipalPolicy", append(ask, pairs...)...); f.Code != "" || a.EvaluationResults[0].EvalDecision != "allowed" {
			t.Errorf("%v: %+v %v", pairs, a, f)
		}
	}
}

// Sources and inputs that the simulator refuses.
func TestSimulationRefuses(t *testing.T) {
	w := userWith(allow("*", "*"))
	w.Roles = []world.Role{{Principal: world.Principal{Name: "deploy", Path: "/team/"}}}
	_, c := open(t, w, api.Options{})
	good := []string{"PolicySourceArn", aliceARN, "ActionNames.member.1", "ssm:StartSession"}
	for _, test := range []struct {
		pairs []string
		want  failure
	}{
		{[]string{"PolicySourceArn", "arn:aws:sts::111122223333:assumed-role/deploy/bob"}, failure{400, "InvalidInput", "Invalid Entity Arn: arn:aws:sts::111122223333:assumed-role/deploy/bob does not clearly define entity type and name."}},
		{[]string{"PolicySourceArn", "arn:aws:iam::111122223333:root"}, failure{400, "InvalidInput", "Invalid Entity Arn: arn:aws:iam::111122223333:root does not clearly define entity type and name."}},
		{[]string{"PolicySourceArn", "arn:aws:iam::111122223333:role/deploy"}, failure{404, "NoSuchEntity", "The role with name deploy cannot be found."}}, // its path is missing
		{[]string{"PolicySourceArn", "arn:aws:iam::111122223333:user/eve"}, failure{404, "NoSuchEntity", "The user with name eve cannot be found."}},
		{[]string{"CallerArn", "arn:aws:sts::111122223333:assumed-role/deploy/bob"}, failure{400, "InvalidInput", "Invalid Entity Arn: arn:aws:sts::111122223333:assumed-role/deploy/bob does not clearly define entity type and name."}},
		{[]string{"ActionNames.member.1", "StartSession"}, failure{400, "InvalidInput", "Invalid Action Name: StartSession"}},
		{[]string{"ResourceArns.member.1", "i-0123456789abcdef0"}, failure{400, "InvalidInput", "Invalid Resource ARN: i-0123456789abcdef0"}},
		{[]string{"PolicyInputList.member.1", "{}x"}, failure{Status: 400, Code: "InvalidInput"}},
		{[]string{"ContextEntries.member.1.ContextKeyName", "aws:userid", "ContextEntries.member.1.ContextKeyType", "text", "ContextEntries.member.1.ContextKeyValues.member.1", "x"}, failure{Status: 400, Code: "ValidationError"}},
		{[]string{"ContextEntries.member.1.ContextKeyName", "aws:userid", "ContextEntries.member.1.ContextKeyType", "string"}, failure{Status: 400, Code: "InvalidInput"}},
		{[]string{"ResourcePolicy", allow("*", "*")}, failure{Status: 400, Code: "InvalidInput"}},
		{[]string{"Marker", "stray"}, failure{400, "InvalidInput", "Invalid Marker"}},
	} {
		got := c.ask(nil, "iam", "SimulatePrincipalPolicy", append(good, test.pairs...)...)
		if test.want.Message == "" {
			got.Message = ""
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%v: %s", test.pairs, diff)
		}
	}
}

func TestSimulationInPages(t *testing.T) {
	_, c := open(t, userWith(allow("iam:*", "*")), api.Options{})
	var a simulationAnswer
	pairs := []string{"PolicySourceArn", aliceARN, "ActionNames.member.1", "ssm:StartSession", "ActionNames.member.2", "iam:GetUser", "MaxItems", "1"}
	if f := c.ask(&a, "iam", "SimulatePrincipalPolicy", pairs...); f.Code != "" || !a.IsTruncated || len(a.EvaluationResults) != 1 {
		t.Fatalf("%+v %v", a, f)
	}
	var b simulationAnswer
	if f := c.ask(&b, "iam", "SimulatePrincipalPolicy", append(pairs, "Marker", a.Marker)...); f.Code != "" || b.IsTruncated || b.EvaluationResults[0].EvalActionName != "iam:GetUser" {
		t.Errorf("%+v %v", b, f)
	}
}

// Before 2026-07-30 there was a result for every resource.
func TestOldSimulator(t *testing.T) {
	w := userWith(allow("iam:*", "*"), allow("ssm:StartSession", instanceARN))
	w.OldSimulator = true
	_, c := open(t, w, api.Options{})
	var a simulationAnswer
	if f := c.ask(&a, "iam", "SimulatePrincipalPolicy", "PolicySourceArn", aliceARN, "ActionNames.member.1", "ssm:StartSession", "ResourceArns.member.1", instanceARN, "ResourceArns.member.2", shellARN); f.Code != "" {
		t.Fatal(f)
	}
	var got []string
	for _, r := range a.EvaluationResults {
		got = append(got, r.EvalResourceName+" "+r.EvalDecision)
	}
	if diff := cmp.Diff([]string{instanceARN + " allowed", shellARN + " implicitDeny"}, got); diff != "" {
		t.Error(diff)
	}
}

// A document of another account needs a resource policy; one without account does not.
func TestSimulationAcrossAccounts(t *testing.T) {
	_, c := open(t, userWith(allow("*", "*")), api.Options{})
	for arn, want := range map[string]string{
		"arn:aws:ssm:us-east-1:444455556666:document/Shared":       "implicitDeny",
		"arn:aws:ssm:us-east-1::document/AWS-StartSSHSession":      "allowed",
		"arn:aws:ssm:us-east-1:111122223333:document/DoesNotExist": "allowed",
	} {
		if got := simulate(t, c, aliceARN, []string{arn}); got.EvalDecision != want {
			t.Errorf("%s: %s, want %s", arn, got.EvalDecision, want)
		}
	}
}

func TestContextKeys(t *testing.T) {
	_, c := open(t, userWith(allow("iam:*", "*"), conditional("Allow", "ssm:*", "ssm:resourceTag/Name", "${aws:username}")), api.Options{})
	var a contextKeysAnswer
	if f := c.ask(&a, "iam", "GetContextKeysForPrincipalPolicy", "PolicySourceArn", aliceARN); f.Code != "" {
		t.Fatal(f)
	}
	if diff := cmp.Diff([]string{"aws:username", "ssm:resourceTag/Name"}, a.ContextKeyNames); diff != "" {
		t.Error(diff)
	}
}

// If a Deny decides, it is the only statement shown.
func TestSimulationShowsTheDeny(t *testing.T) {
	_, c := open(t, userWith(allow("*", "*"), deny("ssm:StartSession", "*")), api.Options{})
	got := simulate(t, c, aliceARN, []string{instanceARN}).ResourceSpecificResults[0]
	if got.EvalResourceDecision != "explicitDeny" || len(got.MatchedStatements) != 1 || got.MatchedStatements[0].SourcePolicyID != "user_alice_p2" {
		t.Errorf("%+v", got)
	}
}

// TestSimulationExcludes: what PolicyExclusionList names does not bear on the answer; what
// it cannot name, and what the call itself adds, does.
func TestSimulationExcludes(t *testing.T) {
	w := userWith(allow("*", "*"))
	name := w.Users[0].Inline[0].Name
	_, c := open(t, w, api.Options{})
	inline := func(attached, name string) []string {
		const member = "PolicyExclusionList.member.1.InlinePolicyIdentifier."
		return []string{member + "AttachmentType", "user", member + "AttachmentName", attached, member + "PolicyName", name}
	}
	added := []string{"PolicyInputList.member.1", allow("ssm:StartSession", "*")}
	for _, tt := range []struct {
		pairs []string
		want  string
	}{
		{nil, "allowed"},
		{inline("alice", name), "implicitDeny"},
		{inline("ali*", name), "implicitDeny"},
		{inline("bob", name), "allowed"},
		{[]string{"PolicyExclusionList.member.1.PolicyType", "inline"}, "implicitDeny"},
		{append([]string{"PolicyExclusionList.member.1.PolicyType", "inline"}, added...), "allowed"},
		{append(inline("alice", name), added...), "allowed"},
		{[]string{"PolicyExclusionList.member.1.PolicyArn", "arn:aws:iam::111122223333:policy/*"}, "allowed"},
	} {
		var a simulationAnswer
		if f := c.ask(&a, "iam", "SimulatePrincipalPolicy", append([]string{"PolicySourceArn", aliceARN, "ActionNames.member.1", "ssm:StartSession"}, tt.pairs...)...); f.Code != "" || a.EvaluationResults[0].EvalDecision != tt.want {
			t.Errorf("%v: %+v %v, want %s", tt.pairs, a.EvaluationResults, f, tt.want)
		}
	}
}
