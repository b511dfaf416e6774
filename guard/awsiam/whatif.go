package awsiam

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"

	"ssmguard/guard"
)

// edits are what a simulation leaves out of the caller's policies and adds to them.
type edits struct {
	add    []string // policy documents
	remove []iamtypes.PolicyIdentifier
}

// addedPolicy is what statements of added policies are called.
const addedPolicy = "the policy to add"

// WhatIf returns a judge that simulates with documents added to the caller's policies, and
// without those that are named as Policies names them. It is not ok when the simulation
// cannot be told which one is meant.
func (c *Client) WhatIf(add, without []string) (judge guard.Simulator, ok bool) {
	edited := *c
	edited.edits = edits{add: add}
	for _, source := range without {
		owner, policy, _ := strings.Cut(source, ", ")
		kind, name, named := strings.Cut(owner, "/")
		inline, isInline := strings.CutPrefix(policy, "inline ")
		managed, isManaged := strings.CutPrefix(policy, "managed ")
		switch arn := c.managedARN(managed); {
		case named && isInline:
			edited.edits.remove = append(edited.edits.remove, &iamtypes.PolicyIdentifierMemberInlinePolicyIdentifier{Value: iamtypes.InlinePolicyIdentifierType{
				AttachmentName: aws.String(name), AttachmentType: iamtypes.AttachmentType(kind), PolicyName: aws.String(strings.Trim(inline, `"`))}})
		case isManaged && arn != "":
			edited.edits.remove = append(edited.edits.remove, &iamtypes.PolicyIdentifierMemberPolicyArn{Value: arn})
		default:
			return nil, false
		}
	}
	return &edited, true
}

// managedARN returns the ARN of a managed policy that was read, by its name.
func (c *connection) managedARN(name string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.managed[name]
}

// noteManaged keeps the ARN of a managed policy.
func (c *connection) noteManaged(arn string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.managed == nil {
		c.managed = make(map[string]string)
	}
	c.managed[policyName(arn)] = arn
}
