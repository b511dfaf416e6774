package awsjson

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// API calls one service. It is safe for concurrent use.
type API struct {
	cfg    aws.Config
	id     string              // the SDK's name of the service: its configured endpoint is found by it
	host   string              // first label of its host names, and its name in signatures
	prefix string              // of X-Amz-Target
	home   func(string) string // the region that answers for another; nil: each for itself
	fips   bool                // has a FIPS name of its own in GovCloud, where Systems Manager has none
}

// ECS returns the API of Elastic Container Service.
func ECS(cfg aws.Config) *API {
	return &API{cfg: withClient(cfg), id: "ECS", host: "ecs", prefix: "AmazonEC2ContainerServiceV20141113", fips: true}
}

// InstanceConnect returns the API of EC2 Instance Connect.
func InstanceConnect(cfg aws.Config) *API {
	return &API{cfg: withClient(cfg), id: "EC2 Instance Connect", host: "ec2-instance-connect", prefix: "AWSEC2InstanceConnectService"}
}

// Organizations returns the API of Organizations, which one region of each
// partition answers.
func Organizations(cfg aws.Config) *API {
	return &API{cfg: withClient(cfg), id: "Organizations", host: "organizations", prefix: "AWSOrganizationsV20161128", home: organizationsHome}
}

// withClient returns cfg with what the SDK's clients supply themselves.
func withClient(cfg aws.Config) aws.Config {
	if cfg.HTTPClient == nil {
		cfg.HTTPClient = awshttp.NewBuildableClient()
	}
	if cfg.Retryer == nil {
		cfg.Retryer = func() aws.Retryer { return retry.NewStandard() }
	}
	return cfg
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

// Call calls an operation in a region, "" for the configured one, with the
// retries of the configuration; in and the answer are structs or maps with the
// names of the API. Errors are of the SDK's types: smithy.APIError within a
// smithyhttp.ResponseError, smithyhttp.RequestSendError, smithy.DeserializationError.
func Call[Out any](ctx context.Context, a *API, region, operation string, in any) (*Out, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	if region == "" {
		region = a.cfg.Region
	}
	if a.home != nil {
		region = a.home(region)
	}
	retryer := a.cfg.Retryer()
	for attempt := 1; ; attempt++ {
		out := new(Out)
		err := a.send(ctx, region, operation, body, out)
		if err == nil {
			return out, nil
		}
		if attempt >= retryer.MaxAttempts() || ctx.Err() != nil || !retryer.IsErrorRetryable(err) {
			return nil, err
		}
		wait, rerr := retryer.RetryDelay(attempt, err)
		if rerr != nil {
			return nil, err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, err
		}
	}
}

// send makes one signed request and reads the answer into out.
func (a *API) send(ctx context.Context, region, operation string, body []byte, out any) error {
	endpoint, err := a.endpoint(ctx, region)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if req.URL.Path == "" {
		req.URL.Path = "/"
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", a.prefix+"."+operation)
	if a.cfg.Credentials == nil {
		return errors.New("no credentials")
	}
	credentials, err := a.cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, credentials, req, hex.EncodeToString(sum[:]), a.host, region, time.Now()); err != nil {
		return err
	}
	resp, err := a.cfg.HTTPClient.Do(req)
	if err != nil {
		return &smithyhttp.RequestSendError{Err: err}
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return &smithyhttp.RequestSendError{Err: err}
	}
	if resp.StatusCode != http.StatusOK {
		return &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: resp}, Err: jsonError(resp, answer)}
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return &smithy.DeserializationError{Err: err, Snapshot: answer}
	}
	return nil
}

// jsonError reads an error answer. One that is no JSON has no code.
func jsonError(resp *http.Response, answer []byte) error {
	var e struct {
		Type    string `json:"__type"`
		Message string // or message
	}
	if json.Unmarshal(answer, &e) != nil {
		return &smithy.DeserializationError{Err: errors.New(http.StatusText(resp.StatusCode)), Snapshot: answer}
	}
	if h := resp.Header.Get("X-Amzn-ErrorType"); h != "" {
		e.Type = h
	}
	code := e.Type[strings.LastIndexByte(e.Type, '#')+1:]
	code, _, _ = strings.Cut(code, ":")
	return &smithy.GenericAPIError{Code: code, Message: e.Message}
}

// endpoint is the configured endpoint of the service or the one that its name has
// beside that of Systems Manager, whose rules the SDK knows. Of the sources the
// first that has a setting counts.
func (a *API) endpoint(ctx context.Context, region string) (string, error) {
	p := ssm.EndpointParameters{Region: &region}
	for _, source := range a.cfg.ConfigSources {
		if s, ok := source.(interface {
			GetServiceBaseEndpoint(context.Context, string) (string, bool, error)
		}); ok {
			if endpoint, found, err := s.GetServiceBaseEndpoint(ctx, a.id); found && err == nil {
				return endpoint, nil
			}
		}
		if s, ok := source.(interface {
			GetUseFIPSEndpoint(context.Context) (aws.FIPSEndpointState, bool, error)
		}); ok {
			if state, found, err := s.GetUseFIPSEndpoint(ctx); found && err == nil && p.UseFIPS == nil {
				p.UseFIPS = aws.Bool(state == aws.FIPSEndpointStateEnabled)
			}
		}
		if s, ok := source.(interface {
			GetUseDualStackEndpoint(context.Context) (aws.DualStackEndpointState, bool, error)
		}); ok {
			if state, found, err := s.GetUseDualStackEndpoint(ctx); found && err == nil && p.UseDualStack == nil {
				p.UseDualStack = aws.Bool(state == aws.DualStackEndpointStateEnabled)
			}
		}
	}
	if a.cfg.BaseEndpoint != nil {
		return *a.cfg.BaseEndpoint, nil
	}
	p = p.WithDefaults()
	host := a.host
	if a.fips && *p.UseFIPS && !*p.UseDualStack && strings.HasPrefix(region, "us-gov-") {
		host += "-fips"
	}
	e, err := ssm.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, p)
	return strings.Replace(e.URI.String(), "//ssm", "//"+host, 1), err
}
