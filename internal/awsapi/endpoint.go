package awsapi

import (
	"context"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssooidc"
)

// StandardEndpoint is the URL that the rules of AWS give a service, by the first label of its
// host names. The SDK has rules for each service; those of all that are called here,
// and of IAM Identity Center's, which is linked anyway, differ in that label.
func StandardEndpoint(host, region string, fips, dualStack bool) (string, error) {
	e, err := ssooidc.NewDefaultEndpointResolverV2().ResolveEndpoint(context.Background(),
		ssooidc.EndpointParameters{Region: &region, UseFIPS: &fips, UseDualStack: &dualStack})
	return strings.Replace(e.URI.String(), "//oidc", "//"+host, 1), err
}

// Endpoint is the URL that is called in the configured region.
func (a *API) Endpoint(ctx context.Context) (*url.URL, error) { return a.endpoint(ctx, a.cfg.Region) }

// endpoint is the configured endpoint of the service or the one of the rules. Of the
// sources the first that has a setting counts.
func (a *API) endpoint(ctx context.Context, region string) (*url.URL, error) {
	var fips, dualStack *bool
	for _, source := range a.cfg.ConfigSources {
		if s, ok := source.(interface {
			GetServiceBaseEndpoint(context.Context, string) (string, bool, error)
		}); ok {
			if endpoint, found, err := s.GetServiceBaseEndpoint(ctx, a.id); found && err == nil {
				return url.Parse(endpoint)
			}
		}
		if s, ok := source.(interface {
			GetUseFIPSEndpoint(context.Context) (aws.FIPSEndpointState, bool, error)
		}); ok {
			if state, found, err := s.GetUseFIPSEndpoint(ctx); found && err == nil && fips == nil {
				fips = aws.Bool(state == aws.FIPSEndpointStateEnabled)
			}
		}
		if s, ok := source.(interface {
			GetUseDualStackEndpoint(context.Context) (aws.DualStackEndpointState, bool, error)
		}); ok {
			if state, found, err := s.GetUseDualStackEndpoint(ctx); found && err == nil && dualStack == nil {
				dualStack = aws.Bool(state == aws.DualStackEndpointStateEnabled)
			}
		}
	}
	if a.cfg.BaseEndpoint != nil {
		return url.Parse(*a.cfg.BaseEndpoint)
	}
	host := a.host
	if a.fips && aws.ToBool(fips) && !aws.ToBool(dualStack) && strings.HasPrefix(region, "us-gov-") {
		host += "-fips"
	}
	rules, err := StandardEndpoint(host, region, aws.ToBool(fips), aws.ToBool(dualStack))
	if err != nil {
		return nil, err
	}
	return url.Parse(rules)
}

// organizationsHome is the region in which a partition keeps its organizations.
func organizationsHome(region string) string {
	for _, p := range []struct{ prefix, home string }{
		{"cn-", "cn-northwest-1"}, {"us-gov-", "us-gov-west-1"}, {"us-isob-", "us-isob-east-1"},
		{"us-isof-", "us-isof-south-1"}, {"us-iso-", "us-iso-east-1"}, {"eu-isoe-", "eu-isoe-west-1"}, {"eusc-", "eusc-de-east-1"},
	} {
		if strings.HasPrefix(region, p.prefix) {
			return p.home
		}
	}
	return "us-east-1"
}
