package awsapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
)

// choices are the settings of a configuration that endpoints hang on.
type choices struct {
	own        map[string]string // configured endpoints by service
	fips, dual bool
}

func (c choices) GetServiceBaseEndpoint(_ context.Context, id string) (string, bool, error) {
	e, ok := c.own[id]
	return e, ok, nil
}

func (c choices) GetUseFIPSEndpoint(context.Context) (aws.FIPSEndpointState, bool, error) {
	if c.fips {
		return aws.FIPSEndpointStateEnabled, true, nil
	}
	return aws.FIPSEndpointStateDisabled, true, nil
}

func (c choices) GetUseDualStackEndpoint(context.Context) (aws.DualStackEndpointState, bool, error) {
	if c.dual {
		return aws.DualStackEndpointStateEnabled, true, nil
	}
	return aws.DualStackEndpointStateDisabled, true, nil
}

func TestEndpoints(t *testing.T) {
	general := aws.String("http://general")
	for _, c := range []struct {
		api    func(aws.Config) *API
		region string
		base   *string
		choices
		want string
	}{
		{ECS, "eu-west-1", nil, choices{}, "https://ecs.eu-west-1.amazonaws.com"},
		{ECS, "cn-north-1", nil, choices{}, "https://ecs.cn-north-1.amazonaws.com.cn"},
		{ECS, "us-east-1", nil, choices{fips: true}, "https://ecs-fips.us-east-1.amazonaws.com"},
		{ECS, "us-east-1", nil, choices{dual: true}, "https://ecs.us-east-1.api.aws"},
		{ECS, "us-east-1", general, choices{}, "http://general"},
		{ECS, "us-east-1", general, choices{own: map[string]string{"ECS": "http://own/ecs"}}, "http://own/ecs"},
		{InstanceConnect, "eu-west-1", nil, choices{}, "https://ec2-instance-connect.eu-west-1.amazonaws.com"},
		{Organizations, "eu-west-1", nil, choices{}, "https://organizations.us-east-1.amazonaws.com"},
		{Organizations, "cn-north-1", nil, choices{}, "https://organizations.cn-northwest-1.amazonaws.com.cn"},
		{Organizations, "us-gov-east-1", nil, choices{}, "https://organizations.us-gov-west-1.amazonaws.com"},
	} {
		a := c.api(aws.Config{Region: c.region, BaseEndpoint: c.base, ConfigSources: []any{c.choices}})
		region := c.region
		if a.home != nil {
			region = a.home(region)
		}
		if got, _, err := a.endpoint(t.Context(), region); err != nil || got.String() != c.want {
			t.Errorf("%s in %s: %s %v, want %s", a.id, c.region, got, err, c.want)
		}
	}
}

// silence is a source that has no setting of its own.
type silence struct{}

func (silence) GetUseFIPSEndpoint(context.Context) (aws.FIPSEndpointState, bool, error) {
	return aws.FIPSEndpointStateUnset, false, nil
}

func (silence) GetUseDualStackEndpoint(context.Context) (aws.DualStackEndpointState, bool, error) {
	return aws.DualStackEndpointStateUnset, false, nil
}

// TestFirstSettingCounts: the environment comes before the profile, and a source
// without a setting takes nothing back.
func TestFirstSettingCounts(t *testing.T) {
	for _, sources := range [][]any{
		{choices{fips: true, dual: true}, silence{}},
		{silence{}, choices{fips: true, dual: true}},
		{choices{fips: true, dual: true}, choices{}},
	} {
		const want = "https://ecs-fips.us-east-1.api.aws"
		if got, _, err := ECS(aws.Config{ConfigSources: sources}).endpoint(t.Context(), "us-east-1"); err != nil || got.String() != want {
			t.Errorf("%#v: %s %v", sources, got, err)
		}
	}
}

func TestWithoutCredentials(t *testing.T) {
	if _, err := Call[parents](t.Context(), Organizations(aws.Config{Region: "us-east-1"}), "", "ListParents", struct{}{}); err == nil {
		t.Error("a call without credentials")
	}
}

// parents is the answer of ListParents.
type parents struct {
	Parents []struct {
		ID string `json:"Id"`
	}
}

func as[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

func TestCall(t *testing.T) {
	type answer struct {
		status int
		body   string
	}
	for _, c := range []struct {
		name    string
		answers []answer // the last one is repeated
		want    string   // the result, or the error's code
		calls   int
	}{
		{"ok", []answer{{200, `{"Parents":[{"Id":"r-1","Type":"ROOT"}]}`}}, "r-1", 1},
		{"denied", []answer{{400, `{"__type":"com.amazonaws#AccessDeniedException","Message":"no"}`}}, "AccessDeniedException", 1},
		{"busy, then ok", []answer{{503, `busy`}, {200, `{"Parents":[{"Id":"r-1","Type":"ROOT"}]}`}}, "r-1", 2},
		{"throttled", []answer{{400, `{"__type":"ThrottlingException","message":"slow down"}`}}, "ThrottlingException", 3},
		{"garbage", []answer{{200, `{`}}, "", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			calls := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				signed := strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=AKID/")
				if body, _ := io.ReadAll(r.Body); string(body) != `{"ChildId":"1"}` || !signed || r.Header.Get("X-Amz-Target") != "AWSOrganizationsV20161128.ListParents" {
					t.Errorf("%s %v", body, r.Header)
				}
				a := c.answers[min(calls, len(c.answers)-1)]
				calls++
				w.WriteHeader(a.status)
				fmt.Fprint(w, a.body)
			}))
			defer server.Close()
			api := Organizations(aws.Config{
				Region: "us-east-1", BaseEndpoint: &server.URL,
				Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
					return aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "s"}, nil
				}),
				Retryer: func() aws.Retryer {
					return retry.NewStandard(func(o *retry.StandardOptions) {
						o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
					})
				},
			})
			out, err := Call[parents](t.Context(), api, "", "ListParents", map[string]string{"ChildId": "1"})
			got := ""
			var coded smithy.APIError
			switch {
			case err == nil:
				got = out.Parents[0].ID
			case errors.As(err, &coded):
				got = coded.ErrorCode()
			}
			if got != c.want || (c.name == "garbage") != as[*smithy.DeserializationError](err) || calls != c.calls {
				t.Errorf("%q (%v), %d calls; want %q, %d calls", got, err, calls, c.want, c.calls)
			}
		})
	}
}
