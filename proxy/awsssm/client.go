package awsssm

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"ssmguard/proxy"
)

// Client calls StartSession, ResumeSession and TerminateSession. Its errors are *proxy.Refused when AWS answered, and
// *proxy.Unreachable when nobody did; others, no credentials for instance, are
// the SDK's.
type Client struct {
	// Functions and not the SDK's client, which would keep every operation of
	// Systems Manager in the program.
	start     func(context.Context, *ssm.StartSessionInput, ...func(*ssm.Options)) (*ssm.StartSessionOutput, error)
	resume    func(context.Context, *ssm.ResumeSessionInput, ...func(*ssm.Options)) (*ssm.ResumeSessionOutput, error)
	terminate func(context.Context, *ssm.TerminateSessionInput, ...func(*ssm.Options)) (*ssm.TerminateSessionOutput, error)
}

var _ proxy.Opener = Opener{}

// Opener opens the sessions that a Spec describes.
type Opener struct {
	*Client
	Spec proxy.Spec
}

// Open implements proxy.Opener.
func (o Opener) Open(ctx context.Context) (*proxy.Session, error) { return o.Start(ctx, o.Spec) }

// New returns a client for a configuration that has region and credentials.
// A not empty endpoint is called in place of the configured one.
func New(cfg aws.Config, endpoint string) *Client {
	api := ssm.NewFromConfig(cfg, func(o *ssm.Options) {
		if endpoint != "" {
			o.BaseEndpoint = aws.String(endpoint)
		}
	})
	return &Client{start: api.StartSession, resume: api.ResumeSession, terminate: api.TerminateSession}
}

// Start calls StartSession. The SDK's own retry after a wrong clock is off: it
// would start a second session where the AWS CLI reports an error. A session
// whose answer is incomplete cannot be used and is terminated.
func (c *Client) Start(ctx context.Context, s proxy.Spec) (*proxy.Session, error) {
	out, err := c.start(ctx, input(s), func(o *ssm.Options) {
		o.DisableClockSkewCorrection = true
		if s.Request != "" {
			o.APIOptions = append(o.APIOptions, verbatim(s.Request))
		}
	})
	if err != nil {
		return nil, translate("StartSession", err)
	}
	if err := complete(map[string]*string{"SessionId": out.SessionId, "TokenValue": out.TokenValue, "StreamUrl": out.StreamUrl}); err != nil {
		if out.SessionId != nil {
			err = errors.Join(err, proxy.End(ctx, c, *out.SessionId))
		}
		return nil, err
	}
	return &proxy.Session{ID: *out.SessionId, StreamURL: proxy.NewSecret(*out.StreamUrl), Token: proxy.NewSecret(*out.TokenValue), Spec: s}, nil
}

// Resume calls ResumeSession: a fresh token for a session whose connection was
// lost. The result has no Spec. An answer without token means that the session
// is over; then the token is empty.
func (c *Client) Resume(ctx context.Context, id string) (*proxy.Session, error) {
	out, err := c.resume(ctx, &ssm.ResumeSessionInput{SessionId: &id})
	if err != nil {
		return nil, translate("ResumeSession", err)
	}
	return &proxy.Session{ID: id, StreamURL: proxy.NewSecret(aws.ToString(out.StreamUrl)), Token: proxy.NewSecret(aws.ToString(out.TokenValue))}, nil
}

// Terminate calls TerminateSession; ending a session that is gone is no error.
func (c *Client) Terminate(ctx context.Context, id string) error {
	_, err := c.terminate(ctx, &ssm.TerminateSessionInput{SessionId: &id})
	var gone *types.DoesNotExistException
	if err == nil || errors.As(err, &gone) {
		return nil
	}
	return translate("TerminateSession", err)
}

// input is the request, without the fields that are empty.
func input(s proxy.Spec) *ssm.StartSessionInput {
	in := &ssm.StartSessionInput{Target: aws.String(s.Target), Parameters: s.Parameters}
	if s.Document != "" {
		in.DocumentName = aws.String(s.Document)
	}
	if s.Reason != "" {
		in.Reason = aws.String(s.Reason)
	}
	return in
}

// verbatim sends a request as the caller wrote it: an empty field and none are
// different things there, and the order of keys is his.
func verbatim(request string) func(*middleware.Stack) error {
	body := middleware.SerializeMiddlewareFunc("ssmguard.VerbatimRequest",
		func(ctx context.Context, in middleware.SerializeInput, next middleware.SerializeHandler) (middleware.SerializeOutput, middleware.Metadata, error) {
			if req, ok := in.Request.(*smithyhttp.Request); ok {
				var err error
				if in.Request, err = req.SetStream(strings.NewReader(request)); err != nil {
					return middleware.SerializeOutput{}, middleware.Metadata{}, err
				}
			}
			return next.HandleSerialize(ctx, in)
		})
	return func(s *middleware.Stack) error {
		return s.Serialize.Insert(body, "OperationSerializer", middleware.After)
	}
}

// complete says which of the fields is missing.
func complete(fields map[string]*string) error {
	for _, name := range []string{"SessionId", "TokenValue", "StreamUrl"} {
		if aws.ToString(fields[name]) == "" {
			return fmt.Errorf("the StartSession response has no %s", name)
		}
	}
	return nil
}
