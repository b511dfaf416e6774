package awsiam

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"ssmguard/internal/awsapi"
)

// addressed keeps where requests went and what they were signed for; it answers none.
type addressed struct{ at string }

func (a *addressed) Do(r *http.Request) (*http.Response, error) {
	scope := strings.Split(r.Header.Get("Authorization"), "/") // AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/...
	if len(scope) > 3 {
		a.at = r.URL.String() + " " + scope[2] + " " + scope[3]
	}
	return nil, errors.New("not sent")
}

// network answers the questions of a configuration.
type network struct{ fips, dualStack bool }

func (n network) GetUseFIPSEndpoint(context.Context) (aws.FIPSEndpointState, bool, error) {
	if n.fips {
		return aws.FIPSEndpointStateEnabled, true, nil
	}
	return aws.FIPSEndpointStateDisabled, true, nil
}

func (n network) GetUseDualStackEndpoint(context.Context) (aws.DualStackEndpointState, bool, error) {
	if n.dualStack {
		return aws.DualStackEndpointStateEnabled, true, nil
	}
	return aws.DualStackEndpointStateDisabled, true, nil
}

// TestCalledAsBySDK: IAM and STS are called where the SDK's clients call them, with
// signatures for the same region, in every partition.
func TestCalledAsBySDK(t *testing.T) {
	regions := []string{
		"us-east-1", "eu-west-1", "cn-north-1", "cn-northwest-1", "us-gov-east-1", "us-gov-west-1",
		"us-iso-east-1", "us-isob-east-1", "us-isof-south-1", "eu-isoe-west-1", "eusc-de-east-1",
	}
	for _, region := range regions {
		for _, n := range []network{{}, {fips: true}, {dualStack: true}, {true, true}} {
			var ours, theirs addressed
			config := func(to *addressed) aws.Config {
				return aws.Config{
					Region: region, HTTPClient: to, ConfigSources: []any{n}, Credentials: credentials.NewStaticCredentialsProvider("AKID", "s", ""),
					Retryer: func() aws.Retryer { return aws.NopRetryer{} },
				}
			}
			s := newServices(config(&ours), "")
			for name, calls := range map[string]struct{ ours, theirs func() error }{
				"iam": {func() error {
					_, err := awsapi.Call[struct{}](t.Context(), s.apis["iam"], "", "GetUser", awsapi.Form{})
					return err
				}, func() error {
					_, err := iam.NewFromConfig(config(&theirs)).GetUser(t.Context(), &iam.GetUserInput{})
					return err
				}},
				"sts": {func() error {
					_, err := awsapi.Call[struct{}](t.Context(), s.apis["sts"], "", "GetCallerIdentity", awsapi.Form{})
					return err
				}, func() error {
					_, err := sts.NewFromConfig(config(&theirs)).GetCallerIdentity(t.Context(), nil)
					return err
				}},
			} {
				ours.at, theirs.at = "", ""
				if err := calls.ours(); err == nil {
					t.Fatal("answered")
				}
				if err := calls.theirs(); err == nil {
					t.Fatal("answered")
				}
				if ours.at != theirs.at || n == (network{}) && ours.at == "" {
					t.Errorf("%s in %s %+v: %q, want %q", name, region, n, ours.at, theirs.at)
				}
			}
		}
	}
}
