package awsiam

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"

	"ssmguard/guard"
	"ssmguard/guard/policy"
)

// outcome is what the simulator says of one action on one resource.
type outcome struct {
	verdict      policy.Verdict
	by           []policy.Pos
	layers       []policy.LayerAnswer // those that the simulator says decided
	missing      []string             // keys the policies test and no entry gave
	organization bool                 // an SCP decided, or what else IAM does not show
	boundary     bool                 // the permissions boundary does not allow it
}

var decisions = map[iamtypes.PolicyEvaluationDecisionType]policy.Verdict{
	iamtypes.PolicyEvaluationDecisionTypeAllowed:      policy.Allow,
	iamtypes.PolicyEvaluationDecisionTypeExplicitDeny: policy.ExplicitDeny,
	iamtypes.PolicyEvaluationDecisionTypeImplicitDeny: policy.ImplicitDeny,
}

// read finds the grant's own result. Today there is one result for an action
// with the resources below it, its own name being a template; formerly there was
// one for each resource, named by its ARN.
func (s simulation) read(results []iamtypes.EvaluationResult) (outcome, error) {
	var mine []iamtypes.EvaluationResult
	for _, r := range results {
		if strings.EqualFold(aws.ToString(r.EvalActionName), s.grant.Action) {
			mine = append(mine, r)
		}
	}
	for _, r := range mine {
		for _, rs := range r.ResourceSpecificResults {
			if aws.ToString(rs.EvalResourceName) == s.grant.Resource {
				return s.specific(r, rs)
			}
		}
	}
	for _, r := range mine {
		if aws.ToString(r.EvalResourceName) == s.grant.Resource {
			return s.general(r)
		}
	}
	// One resource was asked about, so a lone result without parts is about it.
	if len(mine) == 1 && len(mine[0].ResourceSpecificResults) == 0 {
		return s.general(mine[0])
	}
	return outcome{}, s.garbage(fmt.Sprintf("%d results, none for %s on %s", len(results), s.grant.Action, s.grant.Resource))
}

func (s simulation) specific(r iamtypes.EvaluationResult, rs iamtypes.ResourceSpecificResult) (outcome, error) {
	missing := slices.Concat(rs.MissingContextValues, r.MissingContextValues)
	boundary := rs.PermissionsBoundaryDecisionDetail
	if boundary == nil {
		boundary = r.PermissionsBoundaryDecisionDetail
	}
	return s.outcome(rs.EvalResourceDecision, rs.MatchedStatements, missing, r.OrganizationsDecisionDetail, boundary)
}

func (s simulation) general(r iamtypes.EvaluationResult) (outcome, error) {
	return s.outcome(r.EvalDecision, r.MatchedStatements, r.MissingContextValues, r.OrganizationsDecisionDetail, r.PermissionsBoundaryDecisionDetail)
}

func (s simulation) outcome(d iamtypes.PolicyEvaluationDecisionType, matched []iamtypes.Statement, missing []string,
	org *iamtypes.OrganizationsDecisionDetail, boundary *iamtypes.PermissionsBoundaryDecisionDetail,
) (outcome, error) {
	verdict, ok := decisions[d]
	if !ok {
		return outcome{}, s.garbage(fmt.Sprintf("decision %q", d))
	}
	o := outcome{verdict: verdict}
	for _, key := range missing {
		if !containsFold(o.missing, key) {
			o.missing = append(o.missing, key)
		}
	}
	for _, m := range matched {
		o.by = append(o.by, s.position(m))
	}
	if !verdict.Denies() {
		return o, nil
	}
	if org != nil && !org.AllowedByOrganizations {
		o.organization = verdict != policy.ExplicitDeny || len(matched) == 0
		o.layers = append(o.layers, policy.LayerAnswer{Layer: policy.SCP, Verdict: verdict})
	}
	if boundary != nil && !boundary.AllowedByPermissionsBoundary {
		o.boundary = true
		o.layers = append(o.layers, policy.LayerAnswer{Layer: policy.Boundary, Verdict: verdict})
	}
	if verdict == policy.ExplicitDeny && len(matched) == 0 && !o.boundary {
		o.organization = true // the simulator hides the statements of SCPs, and of nothing else
	}
	return o, nil
}

// position names a matched statement as Policies names its document. The
// simulator tells the line and not the index, which is -1.
func (s simulation) position(m iamtypes.Statement) policy.Pos {
	at := policy.Pos{Source: s.sourceName(aws.ToString(m.SourcePolicyId)), Index: -1}
	if m.StartPosition != nil {
		at.Line = int(m.StartPosition.Line)
	}
	return at
}

// sourceName reads a SourcePolicyId: TYPE_ENTITY_POLICY for inline policies, the
// policy's name for managed ones. A user's managed policy may be a group's.
func (s simulation) sourceName(id string) string {
	if strings.HasPrefix(id, "PolicyInputList.") {
		return addedPolicy
	}
	p := principalOf(identity{SessionARN: s.caller.SessionARN})
	kind := "role"
	if p.kind == guard.User {
		kind = "user"
	}
	if name, ok := strings.CutPrefix(id, kind+"_"+p.name+"_"); ok {
		return fmt.Sprintf("%s, inline %q", p.label(), name)
	}
	if rest, ok := strings.CutPrefix(id, "group_"); ok && p.kind == guard.User {
		if group, name, ok := strings.Cut(rest, "_"); ok && !strings.Contains(name, "_") {
			return fmt.Sprintf("group/%s, inline %q", group, name)
		}
		return "group policy " + rest // names may hold the separator
	}
	if p.kind == guard.User {
		return "managed " + policyName(id)
	}
	return p.label() + ", managed " + policyName(id)
}

func containsFold(list []string, s string) bool {
	return slices.ContainsFunc(list, func(x string) bool { return strings.EqualFold(x, s) })
}
