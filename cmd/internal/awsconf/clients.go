package awsconf

import (
	"context"
	"net/http"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"

	"ssmguard/internal/awsapi"
)

var anonymous provider // nil: the call is not signed

// clients makes the aws.Config of every service: region, retries, endpoints and
// HTTP client in one place.
type clients struct {
	transports *transports
	region     string
	trust      trust // with the certificates of the command line, without --no-verify-ssl
	endpoints  endpoints
	retries    retries
	clock      *awsapi.Clock
}

// sources implements the interfaces by which the SDK's clients read a configuration.
type sources struct {
	endpoints endpoints
	messages  string // the endpoint of data channels, "" for that of the rules
	leads     string // that which is configured for them alone, "" for none
	clock     *awsapi.Clock
}

// Clock is the clock that every call of the configuration is signed by.
func (s sources) Clock() *awsapi.Clock { return s.clock }

// GetUseFIPSEndpoint tells the SDK whether to use FIPS endpoints.
func (s sources) GetUseFIPSEndpoint(context.Context) (aws.FIPSEndpointState, bool, error) {
	if s.endpoints.fips {
		return aws.FIPSEndpointStateEnabled, true, nil
	}
	return aws.FIPSEndpointStateDisabled, true, nil
}

// GetUseDualStackEndpoint tells the SDK whether to use dual-stack endpoints.
func (s sources) GetUseDualStackEndpoint(context.Context) (aws.DualStackEndpointState, bool, error) {
	if s.endpoints.dualStack {
		return aws.DualStackEndpointStateEnabled, true, nil
	}
	return aws.DualStackEndpointStateDisabled, true, nil
}

// messagesID is the name by which the endpoint of data channels is configured. The SDK has
// no client for them.
const messagesID = "ssmmessages"

// DataChannelEndpoint is the endpoint that is configured for data channels alone, "" for none.
func (s sources) DataChannelEndpoint() string { return s.leads }

// GetServiceBaseEndpoint returns the configured endpoint of a service.
func (s sources) GetServiceBaseEndpoint(_ context.Context, id string) (string, bool, error) {
	if id == messagesID {
		return s.messages, s.messages != "", nil
	}
	e := s.endpoints.configured(id)
	return e, e != "", nil
}

// config returns the configuration of a client for one service in our region.
func (c *clients) config(id string, p provider) aws.Config { return c.configIn(id, c.region, p) }

// configIn is config in another region. A configured endpoint beats FIPS.
func (c *clients) configIn(id, region string, p provider) aws.Config {
	e := c.endpoints
	cfg := aws.Config{
		Region: region, HTTPClient: c.transports.client(c.trust), Credentials: aws.AnonymousCredentials{},
		Retryer: c.retries.retryer, RetryMaxAttempts: c.retries.attempts,
	}
	if own := e.configured(id); own != "" {
		cfg.BaseEndpoint, e.fips, e.dualStack = aws.String(own), false, false
	}
	cfg.ConfigSources = []any{sources{e, c.endpoints.configured(messagesID), c.endpoints.alone(messagesID), c.clock}}
	if p != nil {
		cfg.Credentials = p
	}
	return cfg
}

// linkLocal is the HTTP client for credentials of containers and instances. Link-local
// addresses are never behind a proxy.
func (c *clients) linkLocal() *http.Client {
	return &http.Client{Transport: c.transports.base(nil), Timeout: metadataBound.total, CheckRedirect: noRedirects}
}

func (c *clients) explanation(operation, id string) Call {
	return Call{Operation: operation, Endpoint: c.endpoints.configured(id)}
}

// retries are the number of attempts of a call and the retry mode.
type retries struct {
	attempts int
	adaptive bool
}

func (r retries) retryer() aws.Retryer {
	standard := func(o *retry.StandardOptions) {
		o.MaxAttempts = r.attempts
		o.Retryables = slices.Concat([]retry.IsErrorRetryable{retry.IsErrorRetryableFunc(boundRetryable)}, o.Retryables,
			[]retry.IsErrorRetryable{retry.IsErrorRetryableFunc(transportRetryable)})
	}
	if r.adaptive {
		return retry.NewAdaptiveMode(func(o *retry.AdaptiveModeOptions) { o.StandardOptions = append(o.StandardOptions, standard) })
	}
	return retry.NewStandard(standard)
}

// boundRetryable leaves out answers without end: the next would have none either.
func boundRetryable(err error) aws.Ternary {
	if isBound(err) {
		return aws.FalseTernary
	}
	return aws.UnknownTernary
}

// transportRetryable adds errors that the CLI retries and the SDK does not: a failed
// TLS handshake and a proxy that does not answer.
func transportRetryable(err error) aws.Ternary {
	switch reasonOf(err) {
	case reasonTLS, reasonProxy:
		return aws.TrueTernary
	}
	return aws.UnknownTernary
}
