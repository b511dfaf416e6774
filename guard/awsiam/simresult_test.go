package awsiam

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/google/go-cmp/cmp"

	"ssmguard/guard"
	"ssmguard/guard/policy"
)

const (
	nodeARN     = "arn:aws:ec2:eu-central-1:111122223333:instance/i-0123456789abcdef0"
	documentARN = "arn:aws:ssm:eu-central-1::document/AWS-StartSSHSession"
)

func devSimulation(g guard.Grant) simulation {
	return simulation{
		source: "arn:aws:iam::111122223333:role/dev",
		caller: guard.Caller{SessionARN: devSession, Account: "111122223333"},
		grant:  g,
	}
}

func specific(arn string, d iamtypes.PolicyEvaluationDecisionType, missing ...string) iamtypes.ResourceSpecificResult {
	return iamtypes.ResourceSpecificResult{EvalResourceName: aws.String(arn), EvalResourceDecision: d, MissingContextValues: missing}
}

func TestReadResults(t *testing.T) {
	const template = "arn:${Partition}:ec2:${Region}:${Account}:instance/${InstanceId}"
	action := aws.String("ssm:StartSession")
	allowed, implicit, explicit := iamtypes.PolicyEvaluationDecisionTypeAllowed, iamtypes.PolicyEvaluationDecisionTypeImplicitDeny, iamtypes.PolicyEvaluationDecisionTypeExplicitDeny
	inline := iamtypes.Statement{SourcePolicyId: aws.String("role_dev_ssm"), StartPosition: &iamtypes.Position{Line: 4, Column: 3}}
	for _, tt := range []struct {
		name    string
		results []iamtypes.EvaluationResult
		want    outcome
		err     bool
	}{
		{name: "the part for the resource, not the whole", results: []iamtypes.EvaluationResult{{
			EvalActionName: action, EvalDecision: implicit, EvalResourceName: aws.String(template),
			ResourceSpecificResults: []iamtypes.ResourceSpecificResult{specific("arn:aws:ec2:x", implicit), specific(nodeARN, allowed, "aws:SourceIp", "AWS:sourceip")},
		}}, want: outcome{verdict: policy.Allow, missing: []string{"aws:SourceIp"}}},
		{name: "one result for each resource, as it used to be", results: []iamtypes.EvaluationResult{
			{EvalActionName: action, EvalDecision: implicit, EvalResourceName: aws.String(documentARN)},
			{EvalActionName: action, EvalDecision: allowed, EvalResourceName: aws.String(nodeARN)},
		}, want: outcome{verdict: policy.Allow}},
		{name: "a lone result without parts", results: []iamtypes.EvaluationResult{
			{EvalActionName: aws.String("SSM:startsession"), EvalDecision: implicit, EvalResourceName: aws.String("*")},
		}, want: outcome{verdict: policy.ImplicitDeny}},
		{name: "matched statements", results: []iamtypes.EvaluationResult{{
			EvalActionName: action, EvalDecision: explicit, EvalResourceName: aws.String(nodeARN), MatchedStatements: []iamtypes.Statement{inline},
		}}, want: outcome{verdict: policy.ExplicitDeny, by: []policy.Pos{{Source: `role/dev, inline "ssm"`, Index: -1, Line: 4}}}},
		{name: "an SCP shows no statement", results: []iamtypes.EvaluationResult{{
			EvalActionName: action, EvalDecision: explicit, OrganizationsDecisionDetail: &iamtypes.OrganizationsDecisionDetail{},
			ResourceSpecificResults: []iamtypes.ResourceSpecificResult{specific(nodeARN, explicit)},
		}}, want: outcome{verdict: policy.ExplicitDeny, organization: true, layers: []policy.LayerAnswer{{Layer: policy.SCP, Verdict: policy.ExplicitDeny}}}},
		{name: "the boundary", results: []iamtypes.EvaluationResult{{
			EvalActionName: action, EvalDecision: implicit, EvalResourceName: aws.String(nodeARN),
			PermissionsBoundaryDecisionDetail: &iamtypes.PermissionsBoundaryDecisionDetail{},
		}}, want: outcome{verdict: policy.ImplicitDeny, boundary: true, layers: []policy.LayerAnswer{{Layer: policy.Boundary, Verdict: policy.ImplicitDeny}}}},
		{name: "a denial that neither the organization nor the boundary makes", results: []iamtypes.EvaluationResult{{
			EvalActionName: action, EvalDecision: implicit, EvalResourceName: aws.String(nodeARN),
			OrganizationsDecisionDetail:       &iamtypes.OrganizationsDecisionDetail{AllowedByOrganizations: true},
			PermissionsBoundaryDecisionDetail: &iamtypes.PermissionsBoundaryDecisionDetail{AllowedByPermissionsBoundary: true},
		}}, want: outcome{verdict: policy.ImplicitDeny}},
		{name: "nothing", err: true},
		{name: "another action", results: []iamtypes.EvaluationResult{{EvalActionName: aws.String("ssm:GetDocument"), EvalDecision: allowed}}, err: true},
		{name: "only other resources", results: []iamtypes.EvaluationResult{{
			EvalActionName: action, EvalDecision: allowed, ResourceSpecificResults: []iamtypes.ResourceSpecificResult{specific(documentARN, allowed)},
		}}, err: true},
		{name: "no decision", results: []iamtypes.EvaluationResult{{EvalActionName: action, EvalResourceName: aws.String(nodeARN)}}, err: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := devSimulation(guard.Grant{Action: "ssm:StartSession", Resource: nodeARN}).read(tt.results)
			if (err != nil) != tt.err {
				t.Fatalf("error %v", err)
			}
			if err != nil && KindOf(err) != KindUnreachable {
				t.Errorf("kind %v", KindOf(err))
			}
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(outcome{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSourceName(t *testing.T) {
	user := "arn:aws:iam::111122223333:user/team/ann"
	for _, tt := range []struct{ session, id, want string }{
		{devSession, "role_dev_ssm", `role/dev, inline "ssm"`},
		{devSession, "role_dev_a_b", `role/dev, inline "a_b"`},
		{devSession, "AmazonSSMFullAccess", "role/dev, managed AmazonSSMFullAccess"},
		{user, "user_ann_own", `user/ann, inline "own"`},
		{user, "group_ops_shell", `group/ops, inline "shell"`},
		{user, "group_a_b_c", "group policy a_b_c"},
		{user, "ReadOnlyAccess", "managed ReadOnlyAccess"},
	} {
		s := simulation{caller: guard.Caller{SessionARN: tt.session}}
		if got := s.sourceName(tt.id); got != tt.want {
			t.Errorf("%s under %s: got %q, want %q", tt.id, tt.session, got, tt.want)
		}
	}
}

func TestUnproven(t *testing.T) {
	var open, closed policy.Context
	open.SetUnknown("aws:*")
	start := func(resource string, c policy.Context) guard.Grant {
		return guard.Grant{Action: "ssm:StartSession", Resource: resource, Context: c}
	}
	scp := outcome{verdict: policy.ExplicitDeny, organization: true}
	for _, tt := range []struct {
		name string
		g    guard.Grant
		out  outcome
		want string
	}{
		{"an own denial", start(nodeARN, open), outcome{verdict: policy.ImplicitDeny}, ""},
		{"AWS's document", start(documentARN, open), outcome{verdict: policy.ImplicitDeny}, ""},
		{"another account's document", start("arn:aws:ssm:eu-central-1:999999999999:document/x", open), outcome{verdict: policy.ImplicitDeny}, "resource policy"},
		{"another account's document denied", start("arn:aws:ssm:eu-central-1:999999999999:document/x", open), outcome{verdict: policy.ExplicitDeny}, ""},
		{"a key", guard.Grant{Action: "kms:GenerateDataKey", Resource: "arn:aws:kms:eu-central-1:111122223333:key/1"}, outcome{verdict: policy.ImplicitDeny}, "resource policy"},
		{"an SCP with keys unknown", start(nodeARN, open), scp, "scp"},
		{"an SCP with every key known", start(nodeARN, closed), scp, ""},
		{"allowed", start(nodeARN, open), outcome{verdict: policy.Allow}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := devSimulation(tt.g).unproven(tt.out); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
