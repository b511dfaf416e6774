package awsiam

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"ssmguard/internal/awsapi"
)

// operation is one operation of a service.
type operation[In, Out, Options any] func(context.Context, *In, ...func(*Options)) (*Out, error)

// services holds what is called. Operations of the SDK's clients are kept as
// functions: what an interface can reach keeps all its methods in the program, and
// a client reaches every operation of its service.
type services struct {
	sts  stsAPI
	iam  iamAPI
	apis map[string]*awsapi.API // by the prefix of their permissions
}

type (
	stsAPI struct {
		DecodeAuthorizationMessage operation[sts.DecodeAuthorizationMessageInput, sts.DecodeAuthorizationMessageOutput, sts.Options]
		GetCallerIdentity          operation[sts.GetCallerIdentityInput, sts.GetCallerIdentityOutput, sts.Options]
		Options                    func() sts.Options
	}
	iamAPI struct {
		GetGroupPolicy            operation[iam.GetGroupPolicyInput, iam.GetGroupPolicyOutput, iam.Options]
		GetPolicy                 operation[iam.GetPolicyInput, iam.GetPolicyOutput, iam.Options]
		GetPolicyVersion          operation[iam.GetPolicyVersionInput, iam.GetPolicyVersionOutput, iam.Options]
		GetRole                   operation[iam.GetRoleInput, iam.GetRoleOutput, iam.Options]
		GetRolePolicy             operation[iam.GetRolePolicyInput, iam.GetRolePolicyOutput, iam.Options]
		GetUser                   operation[iam.GetUserInput, iam.GetUserOutput, iam.Options]
		GetUserPolicy             operation[iam.GetUserPolicyInput, iam.GetUserPolicyOutput, iam.Options]
		ListAttachedGroupPolicies operation[iam.ListAttachedGroupPoliciesInput, iam.ListAttachedGroupPoliciesOutput, iam.Options]
		ListAttachedRolePolicies  operation[iam.ListAttachedRolePoliciesInput, iam.ListAttachedRolePoliciesOutput, iam.Options]
		ListAttachedUserPolicies  operation[iam.ListAttachedUserPoliciesInput, iam.ListAttachedUserPoliciesOutput, iam.Options]
		ListGroupPolicies         operation[iam.ListGroupPoliciesInput, iam.ListGroupPoliciesOutput, iam.Options]
		ListGroupsForUser         operation[iam.ListGroupsForUserInput, iam.ListGroupsForUserOutput, iam.Options]
		ListRolePolicies          operation[iam.ListRolePoliciesInput, iam.ListRolePoliciesOutput, iam.Options]
		ListUserPolicies          operation[iam.ListUserPoliciesInput, iam.ListUserPoliciesOutput, iam.Options]
		SimulatePrincipalPolicy   operation[iam.SimulatePrincipalPolicyInput, iam.SimulatePrincipalPolicyOutput, iam.Options]
		Options                   func() iam.Options
	}
)

// newServices makes the clients for cfg. ssmEndpoint, if any, is where Systems
// Manager is called.
func newServices(cfg aws.Config, ssmEndpoint string) services {
	var s services
	stsClient := sts.NewFromConfig(cfg)
	s.sts = stsAPI{
		DecodeAuthorizationMessage: stsClient.DecodeAuthorizationMessage,
		GetCallerIdentity:          stsClient.GetCallerIdentity,
		Options:                    stsClient.Options,
	}
	s.iam = newIAM(cfg)
	s.apis = map[string]*awsapi.API{
		"ec2":           awsapi.EC2(cfg),
		"ssm":           awsapi.SSM(cfg, ssmEndpoint),
		"ecs":           awsapi.ECS(cfg),
		"kms":           awsapi.KMS(cfg),
		"organizations": awsapi.Organizations(cfg),
	}
	return s
}

// call makes a call that its permission names, "ssm:GetDocument", in a region, "" for
// the configured one.
func call[Out any](ctx context.Context, c *Client, region, permission string, in any) (*Out, error) {
	service, operation, _ := strings.Cut(permission, ":")
	return ask(ctx, c, permission, func(ctx context.Context) (*Out, error) {
		return awsapi.Call[Out](ctx, c.apis[service], region, operation, in)
	})
}

func newIAM(cfg aws.Config) iamAPI {
	c := iam.NewFromConfig(cfg)
	return iamAPI{
		GetGroupPolicy:            c.GetGroupPolicy,
		GetPolicy:                 c.GetPolicy,
		GetPolicyVersion:          c.GetPolicyVersion,
		GetRole:                   c.GetRole,
		GetRolePolicy:             c.GetRolePolicy,
		GetUser:                   c.GetUser,
		GetUserPolicy:             c.GetUserPolicy,
		ListAttachedGroupPolicies: c.ListAttachedGroupPolicies,
		ListAttachedRolePolicies:  c.ListAttachedRolePolicies,
		ListAttachedUserPolicies:  c.ListAttachedUserPolicies,
		ListGroupPolicies:         c.ListGroupPolicies,
		ListGroupsForUser:         c.ListGroupsForUser,
		ListRolePolicies:          c.ListRolePolicies,
		ListUserPolicies:          c.ListUserPolicies,
		SimulatePrincipalPolicy:   c.SimulatePrincipalPolicy,
		Options:                   c.Options,
	}
}
