package awsiam

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"ssmguard/guard/policy"
)

// orgPolicyTypes are the authorization policies of an organization.
var orgPolicyTypes = map[policy.Kind]struct {
	filter string
	name   string
}{
	policy.SCP: {"SERVICE_CONTROL_POLICY", "service control policy"},
	policy.RCP: {"RESOURCE_CONTROL_POLICY", "resource control policy"},
}

// The answers of Organizations, as far as they are used.
type (
	orgDescription struct {
		Organization struct {
			MasterAccountID string `json:"MasterAccountId"`
		}
	}
	orgAccount struct {
		Account struct{ Paths []string }
	}
	orgParents struct {
		Parents []struct{ ID, Type string }
	}
	orgPolicySummary struct{ ID, Name, Arn string }
	orgPolicyList    struct {
		Policies  []orgPolicySummary
		NextToken string
	}
	orgPolicy struct {
		Policy struct{ Content *string }
	}
)

var orgUnread = evidence{Partial: []policy.Kind{policy.SCP, policy.RCP}}

// serviceLinked is in the ARN of every service-linked role, which SCPs and RCPs spare.
const serviceLinked = ":role/aws-service-role/"

// organizationReader reads the policies of the caller's organization.
type organizationReader struct{ callerReader }

// layers reads the SCPs and RCPs of the caller's account, from the
// root down. They do not exist for an account without organization nor for the
// management account; otherwise only a delegated administrator may read them.
func (c organizationReader) layers(ctx context.Context, id identity) (evidence, error) {
	var (
		org           *orgDescription
		targets       []string
		orgErr, tgErr error
		known         entity
	)
	together(
		func() {
			org, orgErr = call[orgDescription](ctx, c.connection, "", "organizations:DescribeOrganization", struct{}{})
		},
		func() { targets, tgErr = c.orgTargets(ctx, id.Account) },
		func() { known, _ = c.current().entity.get(ctx, c.connection, c.readEntity) }, // its error is the boundary layer's
	)
	switch {
	case KindOf(orgErr) == KindNoOrg, strings.Contains(known.ARN, serviceLinked):
		return evidence{}, nil
	case orgErr == nil && org.Organization.MasterAccountID == id.Account:
		return evidence{}, nil
	case tgErr != nil:
		return orgUnread, tgErr
	}
	var scps, rcps evidence
	var scpErr, rcpErr error
	together(
		func() { scps, scpErr = c.orgPolicies(ctx, policy.SCP, targets) },
		func() { rcps, rcpErr = c.orgPolicies(ctx, policy.RCP, targets) },
	)
	scps.add(rcps)
	return scps, errors.Join(scpErr, rcpErr)
}

// orgTargets returns the ids that policies of the account hang on: root,
// organizational units, account. The account's path tells them at once; where it
// is not given, climbing does, a call for each level.
func (c organizationReader) orgTargets(ctx context.Context, account string) ([]string, error) {
	var (
		path, climbed []string
		climbErr      error
	)
	together(
		func() { path = c.orgPath(ctx, account) },
		func() { climbed, climbErr = c.orgAncestors(ctx, account) },
	)
	if path != nil {
		return path, nil
	}
	return climbed, climbErr
}

// orgPath reads the account's path, nil when there is none to be had.
func (c organizationReader) orgPath(ctx context.Context, account string) []string {
	out, err := call[orgAccount](ctx, c.connection, "", "organizations:DescribeAccount", map[string]string{"AccountId": account})
	if err != nil {
		return nil
	}
	for _, path := range out.Account.Paths {
		// o-ORG/r-ROOT/ou-UNIT/.../ACCOUNT/; what precedes the root is the organization.
		parts := strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
		i := slices.IndexFunc(parts, func(p string) bool { return strings.HasPrefix(p, "r-") })
		if i < 0 {
			continue
		}
		if parts[len(parts)-1] != account {
			parts = append(parts, account)
		}
		return parts[i:]
	}
	return nil
}

// maxDepth is how deep an organization nests: a root and five levels of units.
const maxDepth = 8

// orgAncestors climbs from the account to the root.
func (c organizationReader) orgAncestors(ctx context.Context, account string) ([]string, error) {
	const op = "organizations:ListParents"
	targets := []string{account}
	for range maxDepth {
		child := targets[0]
		out, err := call[orgParents](ctx, c.connection, "", op, map[string]string{"ChildId": child})
		if err != nil || len(out.Parents) == 0 {
			return nil, unseen(op, child, err)
		}
		targets = append([]string{out.Parents[0].ID}, targets...)
		if out.Parents[0].Type == "ROOT" {
			return targets, nil
		}
	}
	return nil, &Error{Permission: op, Kind: KindUnreachable, Message: fmt.Sprintf("no root above %s", account)}
}

// orgPolicies reads the policies of one type on each target, the root first.
func (c organizationReader) orgPolicies(ctx context.Context, layer policy.Kind, targets []string) (evidence, error) {
	found := make([][]document, len(targets))
	errs := make([]error, len(targets))
	each(len(targets), func(i int) { found[i], errs[i] = c.targetPolicies(ctx, layer, i, targets[i]) })
	e := evidence{Documents: slices.Concat(found...)}
	err := errors.Join(errs...)
	if err != nil {
		e.Partial = []policy.Kind{layer}
	}
	// A type that is switched off shows no policy anywhere; switched on, every
	// level has at least AWS's own.
	if len(e.Documents) > 0 {
		if layer == policy.SCP {
			e.SCPs = len(targets)
		} else {
			e.RCPs = len(targets)
		}
	}
	return e, err
}

// targetPolicies reads the policies of one type on one target.
func (c organizationReader) targetPolicies(ctx context.Context, layer policy.Kind, level int, target string) ([]document, error) {
	const op = "organizations:ListPoliciesForTarget"
	in := map[string]string{"TargetId": target, "Filter": orgPolicyTypes[layer].filter}
	var ids []orgPolicySummary
	for page := 1; ; page++ {
		if page > maxPages {
			return nil, &Error{Permission: op, Kind: KindUnreachable, Message: fmt.Sprintf("no end after %d pages", maxPages)}
		}
		out, err := call[orgPolicyList](ctx, c.connection, "", op, in)
		if err != nil {
			return nil, unseen(op, target, err)
		}
		ids = append(ids, out.Policies...)
		if out.NextToken == "" {
			break
		}
		in["NextToken"] = out.NextToken
	}
	return collect(ids, func(s orgPolicySummary) (document, error) {
		const op = "organizations:DescribePolicy"
		out, err := call[orgPolicy](ctx, c.connection, "", op, map[string]string{"PolicyId": s.ID})
		if err != nil || out.Policy.Content == nil {
			return document{}, unseen(op, s.Arn, err)
		}
		return document{
			Layer: layer, Level: level,
			Source: fmt.Sprintf("%s %s on %s", orgPolicyTypes[layer].name, s.Name, target),
			Text:   *out.Policy.Content,
		}, nil
	})
}
