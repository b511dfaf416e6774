package awsssm

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"

	"ssmguard/internal/awsapi"
	"ssmguard/proxy"
)

// Client calls StartSession, ResumeSession and TerminateSession. Its errors are
// *proxy.Refused when AWS answered, and *proxy.Unreachable without an answer; others,
// such as missing credentials, are the SDK's.
// A stream URL that does not belong to the endpoint is a *StreamURLError, and the session
// is terminated.
type Client struct {
	api *awsapi.API
	cfg aws.Config
}

// grant is the answer that opens a session, or opens it again.
type grant struct{ SessionID, TokenValue, StreamURL *string }

var _ proxy.Opener = Opener{}

// Opener opens the sessions that a Spec describes.
type Opener struct {
	*Client
	Spec proxy.Spec
}

// Open implements proxy.Opener.
func (o Opener) Open(ctx context.Context) (*proxy.Session, error) { return o.Start(ctx, o.Spec) }

// New returns a client for a configuration that has region and credentials.
func New(cfg aws.Config) *Client { return &Client{awsapi.SSM(cfg, ""), cfg} }

// gateways says where the sessions' data channels may lead.
func (c *Client) gateways(ctx context.Context) (Gateways, error) {
	return gateways(ctx, c.cfg, c.api)
}

// Start calls StartSession. A session whose answer is incomplete cannot be used and
// is terminated.
func (c *Client) Start(ctx context.Context, s proxy.Spec) (*proxy.Session, error) {
	out, err := awsapi.Call[grant](ctx, c.api, "", "StartSession", input(s))
	if err != nil {
		return nil, translate("StartSession", err)
	}
	return out.session(ctx, c, s, c.gateways)
}

// Resume calls ResumeSession: a fresh token for a session whose connection was
// lost. The result has no Spec. An answer without token means that the session
// is over; then the token is empty.
func (c *Client) Resume(ctx context.Context, id string) (*proxy.Session, error) {
	out, err := awsapi.Call[grant](ctx, c.api, "", "ResumeSession", map[string]string{"SessionId": id})
	if err != nil {
		return nil, translate("ResumeSession", err)
	}
	s := &proxy.Session{ID: id, StreamURL: proxy.NewSecret(aws.ToString(out.StreamURL)), Token: proxy.NewSecret(aws.ToString(out.TokenValue))}
	if s.StreamURL.Reveal() == "" {
		return s, nil // the one before is used again
	}
	s.StreamURL, err = led(ctx, s.StreamURL, c.gateways)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Terminate calls TerminateSession; ending a session that has ended is not an error.
func (c *Client) Terminate(ctx context.Context, id string) error {
	_, err := awsapi.Call[struct{}](ctx, c.api, "", "TerminateSession", map[string]string{"SessionId": id})
	var answer smithy.APIError
	if err == nil || errors.As(err, &answer) && answer.ErrorCode() == "DoesNotExistException" {
		return nil
	}
	return translate("TerminateSession", err)
}

// input returns the request without empty fields, or the caller's own JSON, in which an
// empty field differs from a missing one and the order of keys matters.
func input(s proxy.Spec) any {
	if s.Request != "" {
		return awsapi.Verbatim(s.Request)
	}
	return struct {
		Target       string
		DocumentName string              `json:",omitempty"`
		Reason       string              `json:",omitempty"`
		Parameters   map[string][]string `json:",omitempty"`
	}{s.Target, s.Document, s.Reason, s.Parameters}
}

// Lead returns the URL at which the data channel is opened for a stream URL that AWS has answered
// to another program; a *StreamURLError if it may not be.
func (c *Client) Lead(ctx context.Context, stream proxy.Secret) (proxy.Secret, error) {
	return led(ctx, stream, c.gateways)
}

// led is the URL at which the data channel is opened for a stream URL of AWS.
func led(ctx context.Context, stream proxy.Secret, find func(context.Context) (Gateways, error)) (proxy.Secret, error) {
	g, err := find(ctx)
	if err != nil {
		return stream, err
	}
	return g.Lead(stream)
}

// session returns the opened session. A session with a missing field, or with a stream URL
// that leads elsewhere, cannot be used and is terminated.
func (g grant) session(ctx context.Context, opened proxy.Terminator, s proxy.Spec, find func(context.Context) (Gateways, error)) (*proxy.Session, error) {
	for _, field := range []struct {
		name  string
		value *string
	}{{"SessionId", g.SessionID}, {"TokenValue", g.TokenValue}, {"StreamUrl", g.StreamURL}} {
		if aws.ToString(field.value) == "" {
			err := fmt.Errorf("the StartSession response has no %s", field.name)
			if g.SessionID != nil {
				err = errors.Join(err, proxy.End(ctx, opened, *g.SessionID))
			}
			return nil, err
		}
	}
	stream, err := led(ctx, proxy.NewSecret(*g.StreamURL), find)
	if err != nil {
		return nil, errors.Join(err, proxy.End(ctx, opened, *g.SessionID))
	}
	return &proxy.Session{ID: *g.SessionID, StreamURL: stream, Token: proxy.NewSecret(*g.TokenValue), Spec: s}, nil
}
