package awsiam

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"ssmguard/internal/awsapi"
)

// operation is one operation of a service.
type operation[In, Out, Options any] func(context.Context, *In, ...func(*Options)) (*Out, error)

// services holds the operations that are used, service by service. They are kept
// as functions and not as the SDK's clients: what an interface can reach keeps
// all its methods in the program, and a client reaches every operation of its
// service, with EC2 more than all the rest of ssmguard.
type services struct {
	sts stsAPI
	iam iamAPI
	ec2 ec2API
	ssm ssmAPI
	ecs *awsapi.API
	kms kmsAPI
	org *awsapi.API
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
	ec2API struct {
		DescribeInstances operation[ec2.DescribeInstancesInput, ec2.DescribeInstancesOutput, ec2.Options]
		DescribeRegions   operation[ec2.DescribeRegionsInput, ec2.DescribeRegionsOutput, ec2.Options]
	}
	ssmAPI struct {
		DescribeDocument            operation[ssm.DescribeDocumentInput, ssm.DescribeDocumentOutput, ssm.Options]
		DescribeInstanceInformation operation[ssm.DescribeInstanceInformationInput, ssm.DescribeInstanceInformationOutput, ssm.Options]
		GetConnectionStatus         operation[ssm.GetConnectionStatusInput, ssm.GetConnectionStatusOutput, ssm.Options]
		GetDocument                 operation[ssm.GetDocumentInput, ssm.GetDocumentOutput, ssm.Options]
		ListDocuments               operation[ssm.ListDocumentsInput, ssm.ListDocumentsOutput, ssm.Options]
		ListTagsForResource         operation[ssm.ListTagsForResourceInput, ssm.ListTagsForResourceOutput, ssm.Options]
		StartSession                operation[ssm.StartSessionInput, ssm.StartSessionOutput, ssm.Options]
		Options                     func() ssm.Options
	}
	kmsAPI struct {
		DescribeKey operation[kms.DescribeKeyInput, kms.DescribeKeyOutput, kms.Options]
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
	ec2Client := ec2.NewFromConfig(cfg)
	s.ec2 = ec2API{
		DescribeInstances: ec2Client.DescribeInstances,
		DescribeRegions:   ec2Client.DescribeRegions,
	}
	ssmClient := ssm.NewFromConfig(cfg, func(o *ssm.Options) {
		if ssmEndpoint != "" {
			o.BaseEndpoint = aws.String(ssmEndpoint)
		}
	})
	s.ssm = ssmAPI{
		DescribeDocument:            ssmClient.DescribeDocument,
		DescribeInstanceInformation: ssmClient.DescribeInstanceInformation,
		GetConnectionStatus:         ssmClient.GetConnectionStatus,
		GetDocument:                 ssmClient.GetDocument,
		ListDocuments:               ssmClient.ListDocuments,
		ListTagsForResource:         ssmClient.ListTagsForResource,
		StartSession:                ssmClient.StartSession,
		Options:                     ssmClient.Options,
	}
	s.ecs = awsapi.ECS(cfg)
	kmsClient := kms.NewFromConfig(cfg)
	s.kms = kmsAPI{
		DescribeKey: kmsClient.DescribeKey,
	}
	s.org = awsapi.Organizations(cfg)
	return s
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
