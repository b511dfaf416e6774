package awsapi

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/elasticache"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	smithyendpoints "github.com/aws/smithy-go/endpoints"
)

// TestEndpointsOfTheSDK compares with the rules of the SDK's own packages in every
// partition.
func TestEndpointsOfTheSDK(t *testing.T) {
	regions := []string{
		"us-east-1", "eu-west-1", "cn-north-1", "cn-northwest-1", "us-gov-east-1", "us-gov-west-1",
		"us-iso-east-1", "us-isob-east-1", "us-isof-south-1", "eu-isoe-west-1", "eusc-de-east-1",
	}
	for _, region := range regions {
		for _, c := range []choices{{}, {fips: true}, {dual: true}, {fips: true, dual: true}} {
			cfg := aws.Config{Region: region, ConfigSources: []any{c}}
			home := organizationsHome(region)
			r, f, d := &region, &c.fips, &c.dual
			for _, tt := range []struct {
				api    *API
				region string
				theirs func() (smithyendpoints.Endpoint, error)
			}{
				{EC2(cfg), region, func() (smithyendpoints.Endpoint, error) {
					return ec2.NewDefaultEndpointResolverV2().ResolveEndpoint(t.Context(), ec2.EndpointParameters{Region: r, UseFIPS: f, UseDualStack: d})
				}},
				{RDS(cfg), region, func() (smithyendpoints.Endpoint, error) {
					return rds.NewDefaultEndpointResolverV2().ResolveEndpoint(t.Context(), rds.EndpointParameters{Region: r, UseFIPS: f, UseDualStack: d})
				}},
				{ElastiCache(cfg), region, func() (smithyendpoints.Endpoint, error) {
					return elasticache.NewDefaultEndpointResolverV2().ResolveEndpoint(t.Context(), elasticache.EndpointParameters{Region: r, UseFIPS: f, UseDualStack: d})
				}},
				{SSM(cfg, ""), region, func() (smithyendpoints.Endpoint, error) {
					return ssm.NewDefaultEndpointResolverV2().ResolveEndpoint(t.Context(), ssm.EndpointParameters{Region: r, UseFIPS: f, UseDualStack: d})
				}},
				{KMS(cfg), region, func() (smithyendpoints.Endpoint, error) {
					return kms.NewDefaultEndpointResolverV2().ResolveEndpoint(t.Context(), kms.EndpointParameters{Region: r, UseFIPS: f, UseDualStack: d})
				}},
				{ECS(cfg), region, func() (smithyendpoints.Endpoint, error) {
					return ecs.NewDefaultEndpointResolverV2().ResolveEndpoint(t.Context(), ecs.EndpointParameters{Region: r, UseFIPS: f, UseDualStack: d})
				}},
				{Organizations(cfg), home, func() (smithyendpoints.Endpoint, error) {
					return organizations.NewDefaultEndpointResolverV2().ResolveEndpoint(t.Context(), organizations.EndpointParameters{Region: r, UseFIPS: f, UseDualStack: d})
				}},
			} {
				theirs, theirErr := tt.theirs()
				want := theirs.URI.String()
				if want == "https://organizations.us-gov-west-1.api.aws" && c.fips {
					continue // the one name that differs: FIPS and both address families in GovCloud
				}
				ours, _, err := tt.api.endpoint(t.Context(), tt.region)
				if (err == nil) != (theirErr == nil) || err == nil && ours.String() != want {
					t.Errorf("%s in %s %+v: %s %v, want %s %v", tt.api.id, region, c, ours, err, want, theirErr)
				}
			}
		}
	}
}
