package awsiam

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"ssmguard/guard/policy"
	"ssmguard/internal/awsapi"
)

// AccountDetails is a page of iam:GetAccountAuthorizationDetails, or what the AWS CLI prints
// of it: docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html
type AccountDetails struct {
	Users       []Authorized   `xml:"UserDetailList>member"`
	Groups      []Authorized   `xml:"GroupDetailList>member"`
	Roles       []Authorized   `xml:"RoleDetailList>member"`
	Policies    []ManagedTexts `xml:"Policies>member"`
	IsTruncated bool
	Marker      string
}

// Authorized is a user, a group or a role with what it has.
type Authorized struct {
	UserName, GroupName, RoleName string
	UserID                        string `xml:"UserId" json:"UserId"`
	Arn                           string
	Trust                         PolicyText    `xml:"AssumeRolePolicyDocument" json:"AssumeRolePolicyDocument"`
	UserInline                    []InlineText  `xml:"UserPolicyList>member" json:"UserPolicyList"`
	GroupInline                   []InlineText  `xml:"GroupPolicyList>member" json:"GroupPolicyList"`
	RoleInline                    []InlineText  `xml:"RolePolicyList>member" json:"RolePolicyList"`
	Attached                      []AttachedARN `xml:"AttachedManagedPolicies>member" json:"AttachedManagedPolicies"`
	MemberOf                      []string      `xml:"GroupList>member" json:"GroupList"`
	Boundary                      struct {
		Arn string `xml:"PermissionsBoundaryArn" json:"PermissionsBoundaryArn"`
	} `xml:"PermissionsBoundary" json:"PermissionsBoundary"`
	Tags []struct{ Key, Value string } `xml:"Tags>member"`
}

// InlineText is an inline policy.
type InlineText struct {
	PolicyName     string
	PolicyDocument PolicyText
}

// AttachedARN is a managed policy that is attached.
type AttachedARN struct{ PolicyName, PolicyArn string }

// ManagedTexts is a managed policy with the texts of its versions.
type ManagedTexts struct {
	Arn      string
	Default  string `xml:"DefaultVersionId" json:"DefaultVersionId"`
	Versions []struct {
		Document PolicyText
		ID       string `xml:"VersionId" json:"VersionId"`
		Default  bool   `xml:"IsDefaultVersion" json:"IsDefaultVersion"`
	} `xml:"PolicyVersionList>member" json:"PolicyVersionList"`
}

// Text returns the text of the version that is in effect, "" if it is not there.
func (m ManagedTexts) Text() PolicyText {
	for _, v := range m.Versions {
		if v.Default || v.ID != "" && v.ID == m.Default {
			return v.Document
		}
	}
	return ""
}

// PolicyText is the JSON of a policy. IAM gives it URL-encoded, the AWS CLI as an object.
type PolicyText string

// UnmarshalJSON reads an object, or a string that has one.
func (t *PolicyText) UnmarshalJSON(raw []byte) error {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return t.UnmarshalText([]byte(text))
	}
	*t = PolicyText(bytes.Clone(raw))
	return nil
}

// UnmarshalText reads what IAM gives.
func (t *PolicyText) UnmarshalText(text []byte) error {
	*t = PolicyText(text)
	if strings.HasPrefix(string(text), "%") {
		if plain, err := url.QueryUnescape(string(text)); err == nil { // else the parser says what is wrong
			*t = PolicyText(plain)
		}
	}
	return nil
}

const (
	detailsOp   = "iam:GetAccountAuthorizationDetails"
	detailsPage = 300     // an answer is at most some MiB then
	mostDetails = 10_000  // pages
	mostNodes   = 100_000 // of one region
)

// AccountDetails reads who is in the account and what they have, and calls page with each page.
// A call that AWS throttles is made again, with longer and longer pauses. An error means that
// there is more than the pages have.
func (c policyReader) AccountDetails(ctx context.Context, page func(AccountDetails)) error {
	form := awsapi.Form{"MaxItems": strconv.Itoa(detailsPage)}
	for range mostDetails {
		out, err := patiently(ctx, c.connection, func() (*AccountDetails, error) {
			return call[AccountDetails](ctx, c.connection, "", detailsOp, form)
		})
		if err != nil {
			return unseen(detailsOp, "", err)
		}
		page(*out)
		if !out.IsTruncated || out.Marker == "" {
			return nil
		}
		form["Marker"] = out.Marker
	}
	return &Error{Permission: detailsOp, Kind: KindUnreachable, Message: fmt.Sprintf("no end after %d pages", mostDetails)}
}

// patiently makes a call again that is throttled, beyond the call's own retries, which are short.
func patiently[T any](ctx context.Context, a *connection, call func() (T, error)) (T, error) {
	const most = 4
	for n := 0; ; n++ {
		out, err := call()
		if KindOf(err) != KindThrottled || n == most {
			return out, err
		}
		timer := time.NewTimer(a.options.ThrottlePause << n)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return out, err
		}
	}
}

// Organization reads the policies of the organization that bear on the account, as of
// Policies, whoever of the account calls.
func (c policyReader) Organization(ctx context.Context) (scp [][]policy.Statement, partial []policy.Kind, err error) {
	id, err := c.current().caller.get(ctx, c.connection, c.readIdentity)
	if err != nil {
		return nil, orgUnread.Partial, err
	}
	found, err := organizationReader(c).layers(ctx, id)
	set, parseErr := found.set()
	return set.SCP, set.Partial, errors.Join(err, parseErr)
}

// AllNodes lists every instance and managed node of a region, with its tags, nil
// where they could not be read. The list is usable beside an error, which joins one for each
// kind of call that failed.
func (c nodeReader) AllNodes(ctx context.Context, region string) ([]Node, error) {
	instances, ec2Err := c.allInstances(ctx, region)
	in := map[string]any{"MaxResults": 50}
	if ec2Err == nil {
		in["Filters"] = []filter{{"ResourceType", []string{"ManagedInstance"}}}
	}
	managed, ssmErr := c.allRegistered(ctx, region, in)
	tagErrs := make([]error, len(managed))
	each(len(managed), func(i int) {
		m := &managed[i]
		if !hasID(m.ID, "mi-") {
			return
		}
		m.Tags, tagErrs[i] = patiently(ctx, c.connection, func() (map[string]string, error) { return factReader(c).ssmTags(ctx, region, "ManagedInstance", m.ID) })
	})
	for i := range tagErrs {
		if tagErrs[i] != nil {
			tagErrs[i] = unseen(tagsOp, "", tagErrs[i])
		}
	}
	return mergeNodes(instances, managed), joinDistinct(append([]error{ec2Err, ssmErr}, tagErrs...))
}

func (c nodeReader) allInstances(ctx context.Context, region string) (nodes []Node, err error) {
	const op = "ec2:DescribeInstances"
	form := awsapi.Form{"MaxResults": "1000"}
	for len(nodes) < mostNodes {
		out, err := patiently(ctx, c.connection, func() (*instances, error) { return call[instances](ctx, c.connection, region, op, form) })
		if err != nil {
			return nodes, unseen(op, "", err)
		}
		for _, i := range out.Instances {
			n := Node{ID: i.ID, Tags: tagMap(i.Tags), State: i.State}
			n.Name = n.Tags["Name"]
			nodes = append(nodes, n)
		}
		if out.NextToken == "" {
			return nodes, nil
		}
		form["NextToken"] = out.NextToken
	}
	return nodes, &Error{Permission: op, Kind: KindUnreachable, Message: fmt.Sprintf("more than %d instances", mostNodes)}
}

func (c nodeReader) allRegistered(ctx context.Context, region string, in map[string]any) (nodes []Node, err error) {
	const op = "ssm:DescribeInstanceInformation"
	for len(nodes) < mostNodes {
		out, err := patiently(ctx, c.connection, func() (*registrations, error) { return call[registrations](ctx, c.connection, region, op, in) })
		if err != nil {
			return nodes, unseen(op, "", err)
		}
		for _, i := range out.InstanceInformationList {
			nodes = append(nodes, Node{ID: i.ID, Name: i.Name, Ping: i.PingStatus})
		}
		if out.NextToken == "" {
			return nodes, nil
		}
		in["NextToken"] = out.NextToken
	}
	return nodes, &Error{Permission: op, Kind: KindUnreachable, Message: fmt.Sprintf("more than %d managed nodes", mostNodes)}
}

// Running reports whether an instance in a state can still take a session some day.
func Running(state string) bool {
	return !slices.Contains([]string{"terminated", "shutting-down"}, state)
}
