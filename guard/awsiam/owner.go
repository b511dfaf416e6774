package awsiam

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	"ssmguard/guard/policy"
	"ssmguard/internal/awsapi"
)

// iamList is a page of one of IAM's lists, or all of them.
type iamList struct {
	IsTruncated bool
	Marker      string
	Inline      []string `xml:"PolicyNames>member"`
	Attached    []string `xml:"AttachedPolicies>member>PolicyArn"`
	Groups      []group  `xml:"Groups>member"`
}

type group struct{ GroupName, Arn string }

// maxPages bounds every list: a server that always promises more must not hold us.
const maxPages = 50

// list reads every page of one of IAM's lists. What came before an error stands beside it.
func (c policyReader) list(ctx context.Context, permission string, in awsapi.Form) (all iamList, err error) {
	for range maxPages {
		out, err := call[iamList](ctx, c.connection, "", permission, in)
		if err != nil {
			return all, err
		}
		all.Inline, all.Attached, all.Groups = append(all.Inline, out.Inline...), append(all.Attached, out.Attached...), append(all.Groups, out.Groups...)
		if !out.IsTruncated || out.Marker == "" {
			return all, nil
		}
		in["Marker"] = out.Marker
	}
	return all, &Error{Permission: permission, Kind: KindUnreachable, Message: fmt.Sprintf("no end after %d pages", maxPages)}
}

// owner is a user, group or role: what policies hang on.
type owner struct {
	kind  string // "User", "Group" or "Role", as IAM's operations have it
	name  string
	label string // role/dev
	arn   string // for messages
	late  bool   // found by another list, so a call deeper than the others
}

// named is the input of an operation on the owner.
func (o owner) named() awsapi.Form { return awsapi.Form{o.kind + "Name": o.name} }

// gather reads an owner's inline and managed policies, all at once, in a stable order.
func (c policyReader) gather(ctx context.Context, o owner) (evidence, error) {
	var (
		inline, managed       []document
		inlineErr, managedErr error
	)
	together(
		func() { inline, inlineErr = c.inlinePolicies(ctx, o) },
		func() { managed, managedErr = c.attachedPolicies(ctx, o) },
	)
	e := evidence{Documents: append(inline, managed...)}
	err := errors.Join(inlineErr, managedErr)
	if err != nil {
		e.Partial = []policy.Kind{policy.Identity}
	}
	return e, err
}

func (c policyReader) inlinePolicies(ctx context.Context, o owner) ([]document, error) {
	op, get := "iam:List"+o.kind+"Policies", "iam:Get"+o.kind+"Policy"
	names, err := c.list(ctx, op, o.named())
	if err != nil {
		err = unseen(op, o.arn, err)
	}
	docs, docErr := collect(names.Inline, func(name string) (document, error) {
		in := o.named()
		maps.Copy(in, awsapi.Form{"PolicyName": name})
		out, err := call[struct{ PolicyDocument string }](ctx, c.connection, "", get, in)
		if err != nil || out.PolicyDocument == "" {
			return document{}, unseen(get, o.arn, err)
		}
		return document{
			Layer:  policy.Identity,
			Source: fmt.Sprintf("%s, inline %q", o.label, name),
			Text:   decoded(out.PolicyDocument),
		}, nil
	})
	return docs, errors.Join(err, docErr)
}

func (c policyReader) attachedPolicies(ctx context.Context, o owner) ([]document, error) {
	op := "iam:ListAttached" + o.kind + "Policies"
	policies, err := c.list(ctx, op, o.named())
	if err != nil {
		err = unseen(op, o.arn, err)
	}
	read := c.managedPolicy
	if o.late {
		read = c.managedPolicyAtOnce
	}
	docs, docErr := collect(policies.Attached, func(arn string) (document, error) {
		c.noteManaged(arn)
		text, err := read(ctx, arn)
		return document{
			Layer:  policy.Identity,
			Source: fmt.Sprintf("%s, managed %s", o.label, policyName(arn)),
			Text:   text,
		}, err
	})
	return docs, errors.Join(err, docErr)
}

// userPolicies reads a user's own policies and those of each of their groups.
func (c policyReader) userPolicies(ctx context.Context, p principal) (evidence, error) {
	var (
		own, groups      evidence
		ownErr, groupErr error
	)
	together(
		func() { own, ownErr = c.gather(ctx, p.owner("User")) },
		func() { groups, groupErr = c.groupPolicies(ctx, p) },
	)
	own.add(groups)
	return own, errors.Join(ownErr, groupErr)
}

// owner is the principal as one of policies. The name in an assumed-role ARN is enough
// for that, so it does not wait for iam:GetRole.
func (p principal) owner(kind string) owner {
	return owner{kind: kind, name: p.name, label: p.label(), arn: p.pathless()}
}

func (c policyReader) groupPolicies(ctx context.Context, p principal) (evidence, error) {
	const op = "iam:ListGroupsForUser"
	groups, err := c.list(ctx, op, awsapi.Form{"UserName": p.name})
	var all evidence
	if err != nil {
		err = unseen(op, p.pathless(), err)
		all.Partial = []policy.Kind{policy.Identity}
	}
	found := make([]evidence, len(groups.Groups))
	errs := make([]error, len(groups.Groups))
	each(len(groups.Groups), func(i int) {
		g := groups.Groups[i]
		found[i], errs[i] = c.gather(ctx, owner{kind: "Group", name: g.GroupName, label: "group/" + g.GroupName, arn: g.Arn, late: true})
	})
	for _, f := range found {
		all.add(f) // also the part that could be read of a group that failed
	}
	return all, errors.Join(err, errors.Join(errs...))
}

// policyName is the last part of a managed policy's ARN.
func policyName(arn string) string { return arn[strings.LastIndex(arn, "/")+1:] }

// collect maps items at once, in their order. Items that fail are left out and
// their errors joined.
func collect[T, R any](items []T, f func(T) (R, error)) ([]R, error) {
	results := make([]R, len(items))
	errs := make([]error, len(items))
	each(len(items), func(i int) { results[i], errs[i] = f(items[i]) })
	var out []R
	for i, r := range results {
		if errs[i] == nil {
			out = append(out, r)
		}
	}
	return out, errors.Join(errs...)
}
