// Package awsssm opens, resumes and ends sessions through the SSM API.
package awsssm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"ssmguard/proxy"
)

// Client calls StartSession, ResumeSession and TerminateSession. It is a
// proxy.Opener. Its errors are *proxy.Refused when AWS answered, and
// *proxy.Unreachable when nobody did; others, no credentials for instance, are
// the SDK's.
type Client struct{ api *ssm.Client }

var _ proxy.Opener = (*Client)(nil)

// New returns a client for a configuration that has region and credentials.
// A not empty endpoint is called in place of the configured one.
func New(cfg aws.Config, endpoint string) *Client {
	return &Client{ssm.NewFromConfig(cfg, func(o *ssm.Options) {
		if endpoint != "" {
			o.BaseEndpoint = aws.String(endpoint)
		}
	})}
}

// abandonTime bounds the call that ends a session which cannot be used.
const abandonTime = 15 * time.Second

// Open calls StartSession. The SDK's own retry after a wrong clock is off: it
// would start a second session where the AWS CLI reports an error. A session
// whose answer is incomplete cannot be used and is terminated.
func (c *Client) Open(ctx context.Context, s proxy.Spec) (*proxy.Session, error) {
	in, err := input(s)
	if err != nil {
		return nil, err
	}
	out, err := c.api.StartSession(ctx, in, func(o *ssm.Options) { o.DisableClockSkewCorrection = true })
	if err != nil {
		return nil, translate("StartSession", err)
	}
	if err := complete(map[string]*string{"SessionId": out.SessionId, "TokenValue": out.TokenValue, "StreamUrl": out.StreamUrl}); err != nil {
		if out.SessionId != nil {
			end, cancel := context.WithTimeout(context.WithoutCancel(ctx), abandonTime)
			defer cancel()
			err = errors.Join(err, c.Terminate(end, *out.SessionId))
		}
		return nil, err
	}
	return &proxy.Session{ID: *out.SessionId, StreamURL: proxy.NewSecret(*out.StreamUrl), Token: proxy.NewSecret(*out.TokenValue), Spec: s}, nil
}

// Resume calls ResumeSession: a fresh token for a session whose connection was
// lost. The result has no Spec. An answer without token means that the session
// is over; then the token is empty.
func (c *Client) Resume(ctx context.Context, id string) (*proxy.Session, error) {
	out, err := c.api.ResumeSession(ctx, &ssm.ResumeSessionInput{SessionId: &id})
	if err != nil {
		return nil, translate("ResumeSession", err)
	}
	return &proxy.Session{ID: id, StreamURL: proxy.NewSecret(aws.ToString(out.StreamUrl)), Token: proxy.NewSecret(aws.ToString(out.TokenValue))}, nil
}

// Terminate calls TerminateSession; ending a session that is gone is no error.
func (c *Client) Terminate(ctx context.Context, id string) error {
	_, err := c.api.TerminateSession(ctx, &ssm.TerminateSessionInput{SessionId: &id})
	var gone *types.DoesNotExistException
	if err == nil || errors.As(err, &gone) {
		return nil
	}
	return translate("TerminateSession", err)
}

// input is the request: as the caller wrote it, if he did, since an empty field
// and none are different things there; else the fields that are not empty.
func input(s proxy.Spec) (*ssm.StartSessionInput, error) {
	if s.Request != "" {
		var in struct {
			Target, DocumentName, Reason *string
			Parameters                   map[string][]string
		}
		if err := json.Unmarshal([]byte(s.Request), &in); err != nil {
			return nil, fmt.Errorf("the StartSession request: %w", err)
		}
		return &ssm.StartSessionInput{Target: in.Target, DocumentName: in.DocumentName, Reason: in.Reason, Parameters: in.Parameters}, nil
	}
	in := &ssm.StartSessionInput{Target: aws.String(s.Target), Parameters: s.Parameters}
	if s.Document != "" {
		in.DocumentName = aws.String(s.Document)
	}
	if s.Reason != "" {
		in.Reason = aws.String(s.Reason)
	}
	return in, nil
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
