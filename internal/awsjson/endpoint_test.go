package awsjson

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
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
			task, taskErr := ecs.NewDefaultEndpointResolverV2().ResolveEndpoint(t.Context(),
				ecs.EndpointParameters{Region: &region, UseFIPS: &c.fips, UseDualStack: &c.dual})
			org, orgErr := organizations.NewDefaultEndpointResolverV2().ResolveEndpoint(t.Context(),
				organizations.EndpointParameters{Region: &region, UseFIPS: &c.fips, UseDualStack: &c.dual})
			cfg := aws.Config{Region: region, ConfigSources: []any{c}}
			for _, tt := range []struct {
				api    *API
				region string
				want   string
				err    error
			}{
				{ECS(cfg), region, task.URI.String(), taskErr},
				{Organizations(cfg), organizationsHome(region), org.URI.String(), orgErr},
			} {
				if tt.want == "https://organizations.us-gov-west-1.api.aws" && c.fips {
					continue // the one name that differs: FIPS and both address families in GovCloud
				}
				if got, err := tt.api.endpoint(t.Context(), tt.region); got != tt.want || (err == nil) != (tt.err == nil) {
					t.Errorf("%s in %s %+v: %s %v, want %s %v", tt.api.id, region, c, got, err, tt.want, tt.err)
				}
			}
		}
	}
}
