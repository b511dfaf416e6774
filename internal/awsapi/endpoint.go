package awsapi

import (
	"context"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssooidc"
	smithyauth "github.com/aws/smithy-go/auth"
	smithyendpoints "github.com/aws/smithy-go/endpoints"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// StandardEndpoint returns the URL of a service by AWS's rules; host is the first label
// of its host names. The SDK has rules for each service; those of the services called
// here, and of IAM Identity Center, whose rules are linked anyway, differ only in that
// label.
func StandardEndpoint(host, region string, fips, dualStack bool) (string, error) {
	e, err := ssooidc.NewDefaultEndpointResolverV2().ResolveEndpoint(context.Background(),
		ssooidc.EndpointParameters{Region: &region, UseFIPS: &fips, UseDualStack: &dualStack})
	return strings.Replace(e.URI.String(), "//oidc", "//"+host, 1), err
}

// Rules resolve the endpoint of a service.
type Rules func(ctx context.Context, region string, fips, dualStack bool) (smithyendpoints.Endpoint, error)

// Endpoint returns the URL for calls in the configured region.
func (a *API) Endpoint(ctx context.Context) (*url.URL, error) {
	endpoint, _, err := a.endpoint(ctx, a.cfg.Region)
	return endpoint, err
}

// endpoint returns the configured endpoint of the service, or the one of the rules, and
// the region for signatures. The first configuration source with a setting decides.
func (a *API) endpoint(ctx context.Context, region string) (endpoint *url.URL, signingRegion string, err error) {
	var fips, dualStack *bool
	for _, source := range a.cfg.ConfigSources {
		if s, ok := source.(interface {
			GetServiceBaseEndpoint(context.Context, string) (string, bool, error)
		}); ok {
			if endpoint, found, err := s.GetServiceBaseEndpoint(ctx, a.id); found && err == nil {
				u, err := url.Parse(endpoint)
				return u, region, err
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
		endpoint, err = url.Parse(*a.cfg.BaseEndpoint)
		return endpoint, region, err
	}
	if a.rules != nil {
		e, err := a.rules(ctx, region, aws.ToBool(fips), aws.ToBool(dualStack))
		if options, ok := smithyauth.GetAuthOptions(&e.Properties); ok {
			region, _ = smithyhttp.GetSigV4SigningRegion(&options[0].SignerProperties)
		}
		return &e.URI, region, err
	}
	host := a.host
	if a.fips && aws.ToBool(fips) && !aws.ToBool(dualStack) && strings.HasPrefix(region, "us-gov-") {
		host += "-fips"
	}
	standard, err := StandardEndpoint(host, region, aws.ToBool(fips), aws.ToBool(dualStack))
	if err != nil {
		return nil, "", err
	}
	endpoint, err = url.Parse(standard)
	return endpoint, region, err
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
