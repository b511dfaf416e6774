package awsiam

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"

	"ssmguard/guard/policy"
)

type attachedPolicy = iamtypes.AttachedPolicy

// page is one answer of a paged IAM list.
type page[T any] struct {
	items  []T
	more   bool
	marker *string
}

// list is a paged IAM list with the permission it needs.
type list[T any] struct {
	permission string
	next       func(ctx context.Context, marker *string) (page[T], error)
}

// maxPages bounds every list: a server that always promises more must not hold us.
const maxPages = 50

// read returns every item of the list.
func (l list[T]) read(ctx context.Context, c *Client) ([]T, error) {
	var (
		items  []T
		marker *string
	)
	for range maxPages {
		p, err := ask(ctx, c, l.permission, func(ctx context.Context) (page[T], error) { return l.next(ctx, marker) })
		if err != nil {
			return items, err
		}
		items = append(items, p.items...)
		if !p.more || aws.ToString(p.marker) == "" {
			return items, nil
		}
		marker = p.marker
	}
	return items, &Error{Permission: l.permission, Kind: KindUnreachable, Message: fmt.Sprintf("no end after %d pages", maxPages)}
}

// owner is a user, group or role: what policies hang on, and how to read them.
type owner struct {
	label     string // role/dev
	arn       string // for messages
	attached  list[attachedPolicy]
	inline    list[string]
	getInline string // permission of get
	get       func(ctx context.Context, policyName string) (*string, error)
	late      bool // found by another list, so a call deeper than the others
}

// gather reads an owner's inline and managed policies, all at once, in a stable order.
func (c *Client) gather(ctx context.Context, o owner) (evidence, error) {
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

func (c *Client) inlinePolicies(ctx context.Context, o owner) ([]document, error) {
	names, err := o.inline.read(ctx, c)
	if err != nil {
		err = unseen(o.inline.permission, o.arn, err)
	}
	docs, docErr := collect(names, func(name string) (document, error) {
		encoded, err := ask(ctx, c, o.getInline, func(ctx context.Context) (*string, error) { return o.get(ctx, name) })
		if err != nil || encoded == nil {
			return document{}, unseen(o.getInline, o.arn, err)
		}
		return document{
			Layer:  policy.Identity,
			Source: fmt.Sprintf("%s, inline %q", o.label, name),
			Text:   decoded(*encoded),
		}, nil
	})
	return docs, errors.Join(err, docErr)
}

func (c *Client) attachedPolicies(ctx context.Context, o owner) ([]document, error) {
	attached, err := o.attached.read(ctx, c)
	if err != nil {
		err = unseen(o.attached.permission, o.arn, err)
	}
	read := c.managedPolicy
	if o.late {
		read = c.managedPolicyAtOnce
	}
	docs, docErr := collect(attached, func(p attachedPolicy) (document, error) {
		text, err := read(ctx, aws.ToString(p.PolicyArn))
		return document{
			Layer:  policy.Identity,
			Source: fmt.Sprintf("%s, managed %s", o.label, policyName(aws.ToString(p.PolicyArn))),
			Text:   text,
		}, err
	})
	return docs, errors.Join(err, docErr)
}

// userPolicies reads a user's own policies and those of each of their groups.
func (c *Client) userPolicies(ctx context.Context, p principal) (evidence, error) {
	var (
		own, groups      evidence
		ownErr, groupErr error
	)
	together(
		func() { own, ownErr = c.gather(ctx, c.userOwner(p)) },
		func() { groups, groupErr = c.groupPolicies(ctx, p) },
	)
	own.add(groups)
	return own, errors.Join(ownErr, groupErr)
}

func (c *Client) userOwner(p principal) owner {
	name := aws.String(p.name)
	return owner{
		label: p.label(),
		arn:   p.pathless(),
		attached: list[attachedPolicy]{"iam:ListAttachedUserPolicies", func(ctx context.Context, marker *string) (page[attachedPolicy], error) {
			out, err := c.iam.ListAttachedUserPolicies(ctx, &iam.ListAttachedUserPoliciesInput{UserName: name, Marker: marker})
			if err != nil {
				return page[attachedPolicy]{}, err
			}
			return page[attachedPolicy]{out.AttachedPolicies, out.IsTruncated, out.Marker}, nil
		}},
		inline: list[string]{"iam:ListUserPolicies", func(ctx context.Context, marker *string) (page[string], error) {
			out, err := c.iam.ListUserPolicies(ctx, &iam.ListUserPoliciesInput{UserName: name, Marker: marker})
			if err != nil {
				return page[string]{}, err
			}
			return page[string]{out.PolicyNames, out.IsTruncated, out.Marker}, nil
		}},
		getInline: "iam:GetUserPolicy",
		get: func(ctx context.Context, policyName string) (*string, error) {
			out, err := c.iam.GetUserPolicy(ctx, &iam.GetUserPolicyInput{UserName: name, PolicyName: aws.String(policyName)})
			if err != nil {
				return nil, err
			}
			return out.PolicyDocument, nil
		},
	}
}

func (c *Client) groupPolicies(ctx context.Context, p principal) (evidence, error) {
	groups, err := list[iamtypes.Group]{"iam:ListGroupsForUser", func(ctx context.Context, marker *string) (page[iamtypes.Group], error) {
		out, err := c.iam.ListGroupsForUser(ctx, &iam.ListGroupsForUserInput{UserName: aws.String(p.name), Marker: marker})
		if err != nil {
			return page[iamtypes.Group]{}, err
		}
		return page[iamtypes.Group]{out.Groups, out.IsTruncated, out.Marker}, nil
	}}.read(ctx, c)
	var all evidence
	if err != nil {
		err = unseen("iam:ListGroupsForUser", p.pathless(), err)
		all.Partial = []policy.Kind{policy.Identity}
	}
	found := make([]evidence, len(groups))
	errs := make([]error, len(groups))
	each(len(groups), func(i int) { found[i], errs[i] = c.gather(ctx, c.groupOwner(groups[i])) })
	for _, f := range found {
		all.add(f) // also the part that could be read of a group that failed
	}
	return all, errors.Join(err, errors.Join(errs...))
}

func (c *Client) groupOwner(g iamtypes.Group) owner {
	name := g.GroupName
	return owner{
		label: "group/" + aws.ToString(name),
		arn:   aws.ToString(g.Arn),
		late:  true,
		attached: list[attachedPolicy]{"iam:ListAttachedGroupPolicies", func(ctx context.Context, marker *string) (page[attachedPolicy], error) {
			out, err := c.iam.ListAttachedGroupPolicies(ctx, &iam.ListAttachedGroupPoliciesInput{GroupName: name, Marker: marker})
			if err != nil {
				return page[attachedPolicy]{}, err
			}
			return page[attachedPolicy]{out.AttachedPolicies, out.IsTruncated, out.Marker}, nil
		}},
		inline: list[string]{"iam:ListGroupPolicies", func(ctx context.Context, marker *string) (page[string], error) {
			out, err := c.iam.ListGroupPolicies(ctx, &iam.ListGroupPoliciesInput{GroupName: name, Marker: marker})
			if err != nil {
				return page[string]{}, err
			}
			return page[string]{out.PolicyNames, out.IsTruncated, out.Marker}, nil
		}},
		getInline: "iam:GetGroupPolicy",
		get: func(ctx context.Context, policyName string) (*string, error) {
			out, err := c.iam.GetGroupPolicy(ctx, &iam.GetGroupPolicyInput{GroupName: name, PolicyName: aws.String(policyName)})
			if err != nil {
				return nil, err
			}
			return out.PolicyDocument, nil
		},
	}
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
