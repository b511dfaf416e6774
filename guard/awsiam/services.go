package awsiam

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	smithyendpoints "github.com/aws/smithy-go/endpoints"

	"ssmguard/internal/awsapi"
)

// services is what is called.
type services struct {
	apis map[string]*awsapi.API // by the prefix of their permissions
	// simulate is SimulatePrincipalPolicy of the SDK's client for IAM. It is a function,
	// since what an interface can reach keeps all its methods in the program, and the
	// client reaches every operation of IAM.
	simulate func(context.Context, *iam.SimulatePrincipalPolicyInput, ...func(*iam.Options)) (*iam.SimulatePrincipalPolicyOutput, error)
}

// newServices returns what calls AWS with cfg. ssmEndpoint, if any, is where Systems
// Manager is called.
func newServices(cfg aws.Config, ssmEndpoint string) services {
	return services{
		apis: map[string]*awsapi.API{
			"sts": awsapi.STS(cfg, func(ctx context.Context, region string, fips, dualStack bool) (smithyendpoints.Endpoint, error) {
				return sts.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, sts.EndpointParameters{Region: &region, UseFIPS: &fips, UseDualStack: &dualStack})
			}),
			"iam": awsapi.IAM(cfg, func(ctx context.Context, region string, fips, dualStack bool) (smithyendpoints.Endpoint, error) {
				return iam.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, iam.EndpointParameters{Region: &region, UseFIPS: &fips, UseDualStack: &dualStack})
			}),
			"ec2":           awsapi.EC2(cfg),
			"ssm":           awsapi.SSM(cfg, ssmEndpoint),
			"ecs":           awsapi.ECS(cfg),
			"kms":           awsapi.KMS(cfg),
			"organizations": awsapi.Organizations(cfg),
		},
		simulate: iam.NewFromConfig(cfg).SimulatePrincipalPolicy,
	}
}

// call makes a call that its permission names, "ssm:GetDocument", in a region, "" for
// the configured one.
func call[Out any](ctx context.Context, a *connection, region, permission string, in any) (*Out, error) {
	service, operation, _ := strings.Cut(permission, ":")
	return ask(ctx, a, permission, func(ctx context.Context) (*Out, error) {
		return awsapi.Call[Out](ctx, a.apis[service], region, operation, in)
	})
}
