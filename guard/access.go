package guard

import (
	"context"
	"slices"
	"strings"

	"ssmguard/guard/policy"
)

// The IDs of the grants of just-in-time node access: asking for access to a node, and
// getting the credentials for it once that is approved.
const (
	GrantAccessRequest = "access/request"
	GrantAccessToken   = "access/token"
)

// The actions of just-in-time node access.
const (
	ActionAccessRequest = "ssm:StartAccessRequest"
	ActionAccessToken   = "ssm:GetAccessToken"
)

// accessNeeds is the table of a caller who asks for access first. The session itself then
// runs with the credentials that AWS hands out. See the service authorization reference of
// Systems Manager.
var accessNeeds = []Need{
	{GrantAccessRequest, ActionAccessRequest, true, "to ask for just-in-time access to the target",
		func(r Request, _ Facts) string { return nodeARN(r) }, requestKeys},
	{GrantAccessToken, ActionAccessToken, true, "to get credentials once the access is approved",
		func(r Request, _ Facts) string { return accessRequestARN(r, sampleRequest) }, tokenKeys},
}

// sampleRequest stands for the id of a request that was not made yet.
const sampleRequest = "oi-0123456789ab"

func accessRequestARN(r Request, id string) string {
	if nodeARN(r) == "" {
		return ""
	}
	return arn(r, "ssm", r.Caller.Account, "opsitem/"+id)
}

// nodeARN is the ARN of a target for which access can be asked, "" for ECS tasks.
func nodeARN(r Request) string {
	if r.Container != "" || strings.HasPrefix(r.Target, "ecs:") {
		return ""
	}
	return TargetARN(r)
}

// requestKeys are the node's tags: the reference lists the tags of the request, which has
// none, and the node as a resource.
func requestKeys(k *Keyring, r Request, f Facts) {
	k.tags(f.TargetTags, !slices.Contains(f.Unknown, UnknownTargetTags), TagSSM, TagGlobal)
	k.callersAccount(r)
}

// tokenKeys are none of their own; the tags of the request for access are not known.
func tokenKeys(k *Keyring, r Request, _ Facts) {
	k.Unknown(TagSSM+"*", TagGlobal+"*")
	k.callersAccount(r)
}

// AccessNeeds returns the grants of a caller who asks for just-in-time access to the
// request's target, none for a target that cannot be asked for.
func AccessNeeds(r Request, f Facts) []Grant { return grantsOf(accessNeeds, r, f) }

// askAccess has the judges rule on just-in-time access where the session is denied for
// lack of a grant on the target. What they could not read is told already.
func (g *Guard) askAccess(ctx context.Context, d Decision) []Ruling {
	if d.Of(GrantTarget).Verdict != policy.ImplicitDeny {
		return nil
	}
	grants := AccessNeeds(d.Request, d.Facts)
	if len(grants) == 0 || d.Policies != nil && Evaluate(*d.Policies, grants[0]).Verdict.Denies() {
		return nil
	}
	return rulingsOn(grants, g.ask(ctx, d.Request.Caller, grants, nil))
}

// AccessOpen reports whether the caller of a denied session may ask for just-in-time
// access to its target, and get the credentials for it. That a wide grant covers the
// request for access, and another not the credentials, does not count.
func (d Decision) AccessOpen() (request, token bool) {
	may := func(id string) bool {
		m := Decision{Rulings: d.Access}.Of(id)
		keys, layers := SplitDepends(m.DependsOn)
		undecided := m.Verdict == policy.Unknown && !m.Contradict && !m.Unproven
		for _, on := range m.DependsOn {
			undecided = undecided && on != policy.Identity.String()
		}
		return m.Verdict == policy.Allow || undecided && len(keys) == 0 && len(layers) > 0
	}
	request, token = may(GrantAccessRequest), may(GrantAccessToken)
	return request && (token || d.namesAccess()), token
}

// namesAccess reports whether a policy that was read grants ssm:StartAccessRequest by
// its name.
func (d Decision) namesAccess() bool {
	return d.Policies != nil && slices.ContainsFunc(d.Policies.Identity, func(s policy.Statement) bool {
		return !s.Denies() && slices.ContainsFunc(s.Actions(), func(a string) bool { return strings.EqualFold(a, ActionAccessRequest) }) && s.MatchesAction(ActionAccessRequest)
	})
}

// AccessPolicy returns the smallest identity policy for a caller who asks for access to
// the target each time: a policy document, indented. It does not have ssm:StartSession,
// which would go before the request.
func AccessPolicy(r Request, f Facts) string {
	return document(AccessNeeds(r, f), "RequestAccess", "AccessToken")
}

// accessPolicies begins the names of AWS's policies for the credentials of an approved
// request: AWSSystemsManagerJustInTimeAccessTokenPolicy and ...TokenSessionPolicy.
const accessPolicies = "AWSSystemsManagerJustInTimeAccessToken"

// OfAccessToken reports whether the policies of the caller are AWS's for the credentials
// of ssm:GetAccessToken. What the ARN of such a caller looks like is not documented.
func (d Decision) OfAccessToken() bool {
	of := func(positions []policy.Pos) bool {
		for _, at := range positions {
			if strings.Contains(at.Source, accessPolicies) {
				return true
			}
		}
		return false
	}
	for _, r := range d.Rulings {
		if of(r.Answer.By) {
			return true
		}
	}
	if d.Policies == nil {
		return false
	}
	for _, s := range append(d.Policies.Identity[:len(d.Policies.Identity):len(d.Policies.Identity)], d.Policies.Session...) {
		if of([]policy.Pos{s.At}) {
			return true
		}
	}
	return false
}
