package awsiam

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"

	"ssmguard/guard"
	"ssmguard/guard/finding"
	"ssmguard/guard/policy"
)

const simulateOp = "iam:SimulatePrincipalPolicy"

// Name returns "iam".
func (c *Client) Name() string { return "iam" }

// Simulate asks IAM's policy simulator about every grant at once, one call for
// each: context entries hold for a whole call, and a document must not be given
// the tags of the target. What the simulator does not see (session, endpoint and
// resource policies) the ruling does not speak of. A grant it cannot be asked
// about is Unknown, and the error joins a *guard.NotVisible or *Error for it.
func (c *Client) Simulate(ctx context.Context, caller guard.Caller, gs []guard.Grant) ([]guard.Ruling, error) {
	rulings := make([]guard.Ruling, len(gs))
	for i, g := range gs {
		rulings[i] = guard.Ruling{Grant: g, Judge: c.Name()}
	}
	switch caller.Kind() {
	case guard.Root:
		return rulings, nil // the simulator takes users, groups and roles; nothing is missing
	case guard.FederatedUser:
		return rulings, &guard.NotVisible{Permission: simulateOp, Resource: caller.SessionARN, Cause: noIAM}
	}
	if len(gs) == 0 {
		return rulings, nil
	}
	source, err := c.policySource(ctx, caller, gs[0])
	if err != nil {
		return rulings, err
	}
	errs := make([]error, len(gs))
	each(len(gs), func(i int) {
		rulings[i].Answer, errs[i] = simulation{c.connection, source, caller, gs[i], c.edits}.answer(ctx)
	})
	return rulings, joinDistinct(errs)
}

// policySource returns the ARN to simulate: the caller's own, or, when it could
// not be read, the one among the likely ones that IAM knows.
func (c *Client) policySource(ctx context.Context, caller guard.Caller, probe guard.Grant) (string, error) {
	if caller.Principal != "" {
		return caller.Principal, nil
	}
	likely := principalOf(identity{SessionARN: caller.SessionARN}).candidates(c.region)
	if len(likely) == 1 {
		return likely[0], nil
	}
	errs := make([]error, len(likely))
	each(len(likely), func(i int) {
		_, errs[i] = simulation{c.connection, likely[i], caller, probe, edits{}}.run(ctx, nil)
	})
	if i := slices.Index(errs, nil); i >= 0 {
		return likely[i], nil
	}
	return "", joinDistinct(errs)
}

// simulation is one grant before the simulator.
type simulation struct {
	*connection
	source string
	caller guard.Caller
	grant  guard.Grant
	edits  edits
}

// answer simulates the grant and, where the result may turn on keys we do not
// know, asks again with each value they can have. A denial that is not proven
// carries DependsOn; an allowance that is not is Unknown.
func (s simulation) answer(ctx context.Context) (policy.Answer, error) {
	out, err := s.run(ctx, nil)
	if err != nil {
		return policy.Answer{}, err
	}
	a := policy.Answer{Verdict: out.verdict, By: out.by, Layers: out.layers}
	if s.unproven(out) == policy.SCP.String() && out.verdict == policy.ExplicitDeny {
		return s.forbidden(ctx, out), nil
	}
	open := s.openKeys(out)
	if turns, err := s.turnsOn(ctx, out, open); turns || err != nil {
		a.DependsOn = open
		if a.Verdict == policy.Allow {
			a.Verdict = policy.Unknown
		}
		return a, err
	}
	if layer := s.unproven(out); layer != "" {
		a.DependsOn = []string{layer}
	}
	return a, nil
}

// forbidden is the answer to an explicit deny of the organization, whose statements and
// keys a simulation does not show. The keys that nobody knows are absent in a simulation,
// and the deny may hold for that alone, as a network perimeter does, or a region guard that
// spares an address: it is proven if AWS refuses a call that is really made for the same
// reason.
func (s simulation) forbidden(ctx context.Context, out outcome) policy.Answer {
	layer := policy.LayerAnswer{Layer: policy.SCP, Verdict: out.verdict, Seen: s.refusedAlike(ctx)}
	if s.regional(ctx) {
		layer.Key = guard.KeyRegion
	}
	a := policy.Answer{Verdict: out.verdict, By: out.by, Layers: []policy.LayerAnswer{layer}}
	if !layer.Seen {
		a.DependsOn = []string{policy.SCP.String()}
	}
	return a
}

// likeCalls are, by service, calls that read and that every service control policy on the
// whole service covers.
var likeCalls = map[string]struct {
	permission string
	in         map[string]any
}{
	"ssm":         {"ssm:DescribeInstanceInformation", map[string]any{"MaxResults": 5}},
	"ssmmessages": {"ssm:DescribeInstanceInformation", map[string]any{"MaxResults": 5}},
	"ecs":         {"ecs:DescribeClusters", map[string]any{}},
}

// refusedAlike reports whether AWS refuses a call to the grant's service, in its region and
// with the caller's credentials, by an explicit deny of a service control policy. What is
// asked about policies that are not in force no call can tell.
func (s simulation) refusedAlike(ctx context.Context) bool {
	service, _, _ := strings.Cut(s.grant.Action, ":")
	like, ok := likeCalls[service]
	region := guard.ArnField(s.grant.Resource, guard.FieldRegion)
	if !ok || region == "" || len(s.edits.add) > 0 || len(s.edits.remove) > 0 {
		return false
	}
	refused, _ := s.current().likeCall(region, like.permission).get(ctx, s.connection, func(ctx context.Context) (bool, error) {
		_, err := call[struct{}](ctx, s.connection, region, like.permission, like.in)
		var own *Error
		if KindOf(err) != KindDenied || !asError(err, &own) {
			return false, nil
		}
		r, read := finding.ParseRefusal(own.Message)
		return read && r.Explicit && r.Policy == guard.Title(policy.SCP), nil
	})
	return refused
}

// triedRegions is how many other regions are tried for one that the organization permits.
const triedRegions = 10

// regional reports whether it is the region of the request that the organization
// forbids: in another region it denies nothing, all else being equal.
func (s simulation) regional(ctx context.Context) bool {
	own, _, state := s.grant.Context.Lookup(guard.KeyRegion)
	if state != policy.KeyKnown || len(own) != 1 {
		return false
	}
	regions := guard.Regions(guard.ArnField(s.grant.Resource, guard.FieldPartition))
	for _, region := range regions[:min(len(regions), triedRegions)] {
		if region == own[0] {
			continue
		}
		other := s
		other.grant.Context.Set(guard.KeyRegion, region)
		o, err := other.run(ctx, nil)
		if err != nil {
			return false
		}
		if o.verdict != policy.ExplicitDeny && !o.organization {
			return true
		}
	}
	return false
}

// turnsOn reports whether the verdict may be another one for other values of
// the open keys. Keys of many values are not tried.
func (s simulation) turnsOn(ctx context.Context, out outcome, open []string) (bool, error) {
	trials, few := trialsOf(s.grant.Context, open)
	if !few {
		return true, nil
	}
	turned := make([]bool, len(trials))
	errs := make([]error, len(trials))
	each(len(trials), func(i int) {
		var o outcome
		o, errs[i] = s.run(ctx, trials[i])
		turned[i] = o.verdict != out.verdict
	})
	err := joinDistinct(errs)
	return err != nil || slices.Contains(turned, true), err
}

// openKeys returns the keys that the policies ask for and of which nobody knows
// whether, or with what value, they are in the request. A key known to be absent
// was simulated rightly by leaving it out.
func (s simulation) openKeys(out outcome) []string {
	var open []string
	for _, key := range out.missing {
		if _, _, state := s.grant.Context.Lookup(key); state == policy.KeyUnknown {
			open = append(open, key)
		}
	}
	// The simulator may not name keys that only a boundary tests; the one that
	// boundaries do test is tried anyway.
	if out.boundary && !containsFold(open, mfaPresent) {
		if _, _, state := s.grant.Context.Lookup(mfaPresent); state == policy.KeyUnknown {
			open = append(open, mfaPresent)
		}
	}
	return open
}

// someKey stands for every key that a context does not name.
const someKey = "aws:ssmguard-any"

// unproven names the layer that keeps a denial from being proven, "" when it is.
func (s simulation) unproven(out outcome) string {
	if !out.verdict.Denies() {
		return ""
	}
	if out.organization {
		// The simulator names neither the statements nor the keys of an SCP, and
		// network perimeters deny whoever shows no source address.
		if _, _, state := s.grant.Context.Lookup(someKey); state == policy.KeyUnknown {
			return policy.SCP.String()
		}
	}
	if out.verdict == policy.ImplicitDeny && s.resourcePolicyMayAllow() {
		return "resource policy"
	}
	return ""
}

// resourcePolicyMayAllow reports whether a policy on the resource, which the
// simulator is not given, could allow what the identity's do not: a key's, and
// that of anything another account owns.
func (s simulation) resourcePolicyMayAllow() bool {
	if strings.HasPrefix(s.grant.Action, "kms:") {
		return true
	}
	f := strings.SplitN(s.grant.Resource, ":", 6)
	return len(f) == 6 && f[4] != "" && f[4] != s.caller.Account
}

// run makes one simulation with extra context entries, all pages of it.
func (s simulation) run(ctx context.Context, extra []iamtypes.ContextEntry) (outcome, error) {
	in := &iam.SimulatePrincipalPolicyInput{
		PolicySourceArn: aws.String(s.source),
		ActionNames:     []string{s.grant.Action},
		ResourceArns:    []string{s.grant.Resource},
		ContextEntries:  append(contextEntries(s.grant.Context), extra...),

		PolicyInputList:     s.edits.add,
		PolicyExclusionList: s.edits.remove,
	}
	var results []iamtypes.EvaluationResult
	for range maxPages {
		out, err := ask(ctx, s.connection, simulateOp, func(ctx context.Context) (*iam.SimulatePrincipalPolicyOutput, error) {
			return s.simulate(ctx, in)
		})
		if err != nil {
			return outcome{}, s.refused(err)
		}
		results = append(results, out.EvaluationResults...)
		if !out.IsTruncated || aws.ToString(out.Marker) == "" {
			return s.read(results)
		}
		in.Marker = out.Marker
	}
	return outcome{}, s.garbage(fmt.Sprintf("no end after %d pages", maxPages))
}

// refused says what a failed call means. When the source is unknown to IAM its
// path is what is missing, and iam:GetRole would have told it.
func (s simulation) refused(err error) error {
	if KindOf(err) == KindNotFound {
		return &guard.NotVisible{Permission: "iam:GetRole", Resource: s.source, Cause: causeText(err)}
	}
	return unseen(simulateOp, s.source, err)
}

func (s simulation) garbage(what string) error {
	return &Error{Permission: simulateOp, Kind: KindUnreachable, Message: "no usable answer: " + what}
}

// joinDistinct joins errors, leaving out those that say the same.
func joinDistinct(errs []error) error {
	seen := make(map[string]bool)
	var distinct []error
	for _, err := range errs {
		if err != nil && !seen[err.Error()] {
			seen[err.Error()] = true
			distinct = append(distinct, err)
		}
	}
	return errors.Join(distinct...)
}
