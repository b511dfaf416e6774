package awsapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// service describes a service of AWS.
type service struct {
	id       string // the SDK's name, by which the configured endpoint is found
	host     string // first label of its host names, and its name in signatures
	protocol protocol
	home     func(string) string // maps a region to the one that answers for it; nil: each region answers for itself
	rules    Rules               // the service's own rules; nil: those of most services
	fips     bool                // has a separate FIPS host name in GovCloud, unlike Systems Manager
}

// API calls one service. It is safe for concurrent use.
type API struct {
	service
	cfg     aws.Config
	retryer aws.Retryer
	clock   *Clock
}

func newAPI(cfg aws.Config, s service) *API {
	a := &API{service: s, cfg: cfg, retryer: retry.NewStandard(), clock: ClockOf(cfg)}
	if cfg.Retryer != nil {
		a.retryer = cfg.Retryer()
	}
	if cfg.RetryMaxAttempts > 0 {
		a.retryer = retry.AddWithMaxAttempts(a.retryer, cfg.RetryMaxAttempts)
	}
	if cfg.HTTPClient == nil {
		a.cfg.HTTPClient = awshttp.NewBuildableClient()
	}
	return a
}

// SSM returns the API of Systems Manager at an endpoint, "" for the configured one.
func SSM(cfg aws.Config, endpoint string) *API {
	a := newAPI(cfg, service{id: "SSM", host: "ssm", protocol: jsonRPC("AmazonSSM")})
	if endpoint != "" {
		a.cfg.BaseEndpoint, a.cfg.ConfigSources = &endpoint, nil
	}
	return a
}

// Now is the time by AWS's clock, as far as answers have told it.
func (a *API) Now() time.Time { return a.clock.Now() }

// EC2 returns the API of EC2.
func EC2(cfg aws.Config) *API {
	return newAPI(cfg, service{id: "EC2", host: "ec2", protocol: query{version: "2016-11-15", result: "Response"}})
}

// RDS returns the API of the Relational Database Service.
func RDS(cfg aws.Config) *API {
	return newAPI(cfg, service{id: "RDS", host: "rds", protocol: query{version: "2014-10-31", result: "Result"}})
}

// ElastiCache returns the API of ElastiCache.
func ElastiCache(cfg aws.Config) *API {
	return newAPI(cfg, service{id: "ElastiCache", host: "elasticache", protocol: query{version: "2015-02-02", result: "Result"}})
}

// IAM returns the API of IAM, which has one name in each partition, by the SDK's rules.
func IAM(cfg aws.Config, rules Rules) *API {
	return newAPI(cfg, service{id: "IAM", host: "iam", protocol: query{version: "2010-05-08", result: "Result"}, rules: rules})
}

// STS returns the API of the Security Token Service, by the SDK's rules.
func STS(cfg aws.Config, rules Rules) *API {
	return newAPI(cfg, service{id: "STS", host: "sts", protocol: query{version: "2011-06-15", result: "Result"}, rules: rules})
}

// KMS returns the API of the Key Management Service.
func KMS(cfg aws.Config) *API {
	return newAPI(cfg, service{id: "KMS", host: "kms", protocol: jsonRPC("TrentService"), fips: true})
}

// ECS returns the API of Elastic Container Service.
func ECS(cfg aws.Config) *API {
	return newAPI(cfg, service{id: "ECS", host: "ecs", protocol: jsonRPC("AmazonEC2ContainerServiceV20141113"), fips: true})
}

// InstanceConnect returns the API of EC2 Instance Connect.
func InstanceConnect(cfg aws.Config) *API {
	return newAPI(cfg, service{id: "EC2 Instance Connect", host: "ec2-instance-connect", protocol: jsonRPC("AWSEC2InstanceConnectService")})
}

// Organizations returns the API of Organizations, which one region of each
// partition answers.
func Organizations(cfg aws.Config) *API {
	return newAPI(cfg, service{id: "Organizations", host: "organizations", protocol: jsonRPC("AWSOrganizationsV20161128"), home: organizationsHome})
}

// Call calls an operation in a region, "" for the configured one, with the retries of
// the configuration. in has the names of the API: for a JSON service it is a value for
// json.Marshal, or Verbatim; for the others a Form. Errors are as the SDK's clients
// give them: a smithy.OperationError with a smithy.APIError or
// smithy.DeserializationError within an awshttp.ResponseError, or with a
// smithyhttp.RequestSendError.
func Call[Out any](ctx context.Context, a *API, region, operation string, in any) (*Out, error) {
	out := new(Out)
	if err := a.call(ctx, region, operation, in, out); err != nil {
		return nil, &smithy.OperationError{ServiceID: a.id, OperationName: operation, Err: err}
	}
	return out, nil
}

// call sends a request through the middleware that the SDK's clients have, in their
// order.
func (a *API) call(ctx context.Context, region, operation string, in, out any) error {
	if region == "" {
		region = a.cfg.Region
	}
	if a.home != nil {
		region = a.home(region)
	}
	ctx = awsmiddleware.SetRegion(middleware.ClearStackValues(ctx), region)
	ctx = awsmiddleware.SetOperationName(awsmiddleware.SetServiceID(ctx, a.id), operation)
	agent := awsmiddleware.NewRequestUserAgent()
	agent.AddSDKAgentKey(awsmiddleware.APIMetadata, a.host)
	if a.cfg.AppID != "" {
		agent.AddSDKAgentKey(awsmiddleware.ApplicationIdentifier, a.cfg.AppID)
	}
	stack := middleware.NewStack(operation, smithyhttp.NewStackRequest)
	err := errors.Join(
		stack.Serialize.Add(a.write(operation, in), middleware.After),
		stack.Build.Add(&awsmiddleware.ClientRequestID{}, middleware.After),
		stack.Build.Add(agent, middleware.After),
		stack.Build.Add(&awsmiddleware.RecursionDetection{}, middleware.After),
		stack.Finalize.Add(retry.NewAttemptMiddleware(a.retryer, smithyhttp.RequestCloner, func(m *retry.Attempt) {
			m.DisableClockSkewCorrection = true // signAgain does it, without a pause and without spending an attempt
		}), middleware.After),
		stack.Finalize.Add(a.signAgain(), middleware.After),
		stack.Finalize.Add(a.locate(region), middleware.After),
		stack.Finalize.Add(&v4.ComputePayloadSHA256{}, middleware.After),
		stack.Finalize.Add(a.sign(), middleware.After),
		stack.Deserialize.Add(&awshttp.ResponseErrorWrapper{}, middleware.After),
		stack.Deserialize.Add(&awsmiddleware.RequestIDRetriever{}, middleware.After),
		stack.Deserialize.Add(a.read(operation, out), middleware.After),
	)
	for _, option := range a.cfg.APIOptions {
		err = errors.Join(err, option(stack))
	}
	if err != nil {
		return err
	}
	_, _, err = middleware.DecorateHandler(smithyhttp.NewClientHandlerWithOptions(a.cfg.HTTPClient), stack).Handle(ctx, in)
	return err
}

// write puts the input into the request.
func (a *API) write(operation string, in any) middleware.SerializeMiddleware {
	return middleware.SerializeMiddlewareFunc("OperationSerializer", func(ctx context.Context, s middleware.SerializeInput, next middleware.SerializeHandler,
	) (o middleware.SerializeOutput, m middleware.Metadata, err error) {
		req := s.Request.(*smithyhttp.Request)
		body, err := a.protocol.write(req.Header, operation, in)
		if err != nil {
			return o, m, &smithy.SerializationError{Err: err}
		}
		req.Method = http.MethodPost
		if s.Request, err = req.SetStream(bytes.NewReader(body)); err != nil {
			return o, m, &smithy.SerializationError{Err: err}
		}
		return next.HandleSerialize(ctx, s)
	})
}

// locate addresses the request to the endpoint, whose path and query stay unchanged. A
// user and a password in its URL are dropped.
func (a *API) locate(region string) middleware.FinalizeMiddleware {
	return middleware.FinalizeMiddlewareFunc("ResolveEndpointV2", func(ctx context.Context, f middleware.FinalizeInput, next middleware.FinalizeHandler,
	) (o middleware.FinalizeOutput, m middleware.Metadata, err error) {
		endpoint, signedFor, err := a.endpoint(ctx, region)
		if err != nil {
			return o, m, err
		}
		ctx = middleware.WithStackValue(ctx, signingRegion{}, signedFor)
		if endpoint.Path == "" {
			endpoint.Path = "/"
		}
		endpoint.User = nil
		f.Request.(*smithyhttp.Request).URL = endpoint
		return next.HandleFinalize(ctx, f)
	})
}

// signAgain repeats a call that was refused because of the time in its signature, once its
// answer has told AWS's. What AWS has refused so has done nothing: a StartSession is no second one.
func (a *API) signAgain() middleware.FinalizeMiddleware {
	return middleware.FinalizeMiddlewareFunc("SignAgain", func(ctx context.Context, f middleware.FinalizeInput, next middleware.FinalizeHandler,
	) (o middleware.FinalizeOutput, m middleware.Metadata, err error) {
		signed := a.clock.Ahead()
		o, m, err = next.HandleFinalize(ctx, f)
		if !a.clock.mistimed(err, signed) || f.Request.(*smithyhttp.Request).RewindStream() != nil {
			return o, m, err
		}
		return next.HandleFinalize(ctx, f)
	})
}

// signingRegion is the key of the region that locate found for sign.
type signingRegion struct{}

// sign signs the request, unless the client has anonymous credentials.
func (a *API) sign() middleware.FinalizeMiddleware {
	return middleware.FinalizeMiddlewareFunc("Signing", func(ctx context.Context, f middleware.FinalizeInput, next middleware.FinalizeHandler,
	) (o middleware.FinalizeOutput, m middleware.Metadata, err error) {
		if a.cfg.Credentials == nil {
			return o, m, errors.New("no credentials")
		}
		if !aws.IsCredentialsProvider(a.cfg.Credentials, aws.AnonymousCredentials{}) {
			credentials, err := a.cfg.Credentials.Retrieve(ctx)
			if err != nil {
				return o, m, err
			}
			req := f.Request.(*smithyhttp.Request).Request
			region, _ := middleware.GetStackValue(ctx, signingRegion{}).(string)
			if err := v4.NewSigner().SignHTTP(ctx, credentials, req, v4.GetPayloadHash(ctx), a.host, region, a.clock.Now()); err != nil {
				return o, m, err
			}
		}
		return next.HandleFinalize(ctx, f)
	})
}

// mostAnswer is how many bytes of an answer are read. AWS's longest have some hundred KiB.
const mostAnswer = 16 << 20

// read decodes the answer into out, or returns its error.
func (a *API) read(operation string, out any) middleware.DeserializeMiddleware {
	return middleware.DeserializeMiddlewareFunc("OperationDeserializer", func(ctx context.Context, d middleware.DeserializeInput, next middleware.DeserializeHandler,
	) (o middleware.DeserializeOutput, m middleware.Metadata, err error) {
		asked := time.Now()
		o, m, err = next.HandleDeserialize(ctx, d)
		resp, ok := o.RawResponse.(*smithyhttp.Response)
		if err != nil || !ok {
			return o, m, err
		}
		defer resp.Body.Close()
		a.clock.Hear(resp.Header, asked)
		answer, err := io.ReadAll(io.LimitReader(resp.Body, mostAnswer+1))
		if err == nil && len(answer) > mostAnswer {
			err = fmt.Errorf("the answer is larger than %d MiB", mostAnswer>>20)
		}
		switch {
		case err != nil:
			return o, m, &smithyhttp.RequestSendError{Err: err}
		case resp.StatusCode < 200 || resp.StatusCode >= 300:
			e, requestID, err := a.protocol.fault(resp.Header, answer)
			if err != nil { // the page of a load balancer, for instance
				return o, m, &smithy.DeserializationError{Err: errors.New(http.StatusText(resp.StatusCode)), Snapshot: answer}
			}
			if requestID != "" {
				awsmiddleware.SetRequestIDMetadata(&m, requestID)
			}
			if e.Code == "" {
				e.Code = "UnknownError" // the SDK's word
			}
			return o, m, e
		}
		if err := a.protocol.read(operation, answer, out); err != nil {
			return o, m, &smithy.DeserializationError{Err: err, Snapshot: answer}
		}
		return o, m, nil
	})
}
