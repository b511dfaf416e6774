package plugin

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/session-manager-plugin/src/communicator"
	"github.com/aws/session-manager-plugin/src/encryption"
	"github.com/aws/session-manager-plugin/src/log"
	"github.com/aws/session-manager-plugin/src/sdkutil"
	"github.com/gorilla/websocket"

	"ssmguard/internal/awsapi"
	"ssmguard/proxy"
	"ssmguard/proxy/awsssm"
)

// Calls are the API calls that a session needs while it runs. The parent makes them for
// an embedded plugin: it has the endpoints, the proxies, the trusted certificates and the
// credentials of the session's start.
type Calls struct {
	// Resume calls ResumeSession; an empty token means that the session is over.
	Resume func(ctx context.Context, sessionID string) (*proxy.Session, error)
	// DataKey calls kms:GenerateDataKey for an encrypted session.
	DataKey func(ctx context.Context, keyID string, encryptionContext map[string]string) (plaintext, ciphertext []byte, err error)
	// Ahead is how far AWS's clock is ahead of this machine's, by which the requests for a
	// websocket are signed; nil means not at all.
	Ahead func() time.Duration
}

// Connection says how the websocket of an embedded plugin is connected.
type Connection struct {
	// Proxy returns the proxy for a request, as that of net/http.Transport does.
	Proxy func(*http.Request) (*url.URL, error)
	// CABundle is the file of the trusted certificates, "" for the system's.
	CABundle string
}

// The requests that a child makes of its parent beside that for credentials.
const (
	requestConnection = "connection"
	requestResume     = "resume"
	requestDataKey    = "dataKey"
	requestBegin      = "begin" // it is about to write its first line
)

// serve answers a child's request.
func (r *Runner) serve(ctx context.Context, s *proxy.Session, e event) answer {
	a := r.served(ctx, s, e)
	if r.Calls != nil && r.Calls.Ahead != nil {
		a.Ahead = r.Calls.Ahead() // as the call's answer, too, has told it
	}
	return a
}

func (r *Runner) served(ctx context.Context, s *proxy.Session, e event) answer {
	switch {
	case e.Request == requestBegin:
		if r.Begins != nil {
			r.Begins()
		}
		return answer{}
	case e.Request == requestConnection && r.Connection != nil:
		return r.Connection.answer(s.StreamURL)
	case e.Request == requestResume && r.Calls != nil:
		resumed, err := r.Calls.Resume(ctx, s.ID)
		if err != nil {
			return failed(err)
		}
		return answer{Served: true, Token: resumed.Token.Reveal()}
	case e.Request == requestDataKey && r.Calls != nil:
		plaintext, ciphertext, err := r.Calls.DataKey(ctx, e.KeyID, e.EncryptionContext)
		if err != nil {
			return failed(err)
		}
		return answer{Served: true, Plaintext: plaintext, Ciphertext: ciphertext}
	case e.Request == "":
		return r.answer(ctx, e.Refused)
	}
	return answer{}
}

// failed is the answer for a call that AWS has refused, or that could not be made.
func failed(err error) answer {
	a := answer{Served: true, Error: err.Error()}
	var refused *proxy.Refused
	if errors.As(err, &refused) {
		a.Code = refused.Code
	}
	return a
}

// answer is the proxy for a stream URL, and the certificates.
func (c *Connection) answer(stream proxy.Secret) answer {
	a := answer{Served: true, CABundle: c.CABundle}
	u, err := url.Parse(stream.Reveal())
	if err != nil || c.Proxy == nil {
		return a // the URL is looked at elsewhere; its error would quote it
	}
	u.Scheme = map[string]string{"ws": "http", "wss": "https"}[u.Scheme]
	by, err := c.Proxy(&http.Request{Method: http.MethodGet, URL: u, Host: u.Host})
	switch {
	case err != nil:
		a.Error = err.Error()
	case by != nil:
		a.Proxy = by.String()
	}
	return a
}

// ask sends the parent a request and waits for its answer.
func (c *child) ask(e event) answer {
	c.asking.Lock()
	defer c.asking.Unlock()
	e.Asks = true
	c.events.report(e)
	a := <-c.answers
	c.clock.Set(a.Ahead)
	return a
}

// err is the error of a call that the parent has made.
func (a answer) err() error {
	switch {
	case a.Error == "":
		return nil
	case a.Code != "":
		return &callError{a.Code, a.Error}
	}
	return errors.New(a.Error)
}

// callError is an error answer of AWS to a call of the parent.
type callError struct{ code, text string }

// Error is the parent's text.
func (e *callError) Error() string { return e.text }

// connect sets how the official plugin connects its websocket: as the parent says, else
// with the certificates and proxies that the SDK uses for its calls.
func (c *child) connect() error {
	if c.events != nil {
		a := c.ask(event{Request: requestConnection})
		if err := a.err(); err != nil {
			return err
		}
		if a.Served {
			return dialBy(a.Proxy, a.CABundle)
		}
	}
	cfg, err := sdkutil.GetConfigWithQuickCheck(context.Background(), "")
	if err != nil {
		return nil // the official plugin goes on, too
	}
	if client, ok := cfg.HTTPClient.(*awshttp.BuildableClient); ok {
		t := client.GetTransport()
		websocket.DefaultDialer.Proxy = t.Proxy
		websocket.DefaultDialer.TLSClientConfig = t.TLSClientConfig
	}
	return nil
}

// dialBy sets the proxy and the trusted certificates of the official plugin's websockets.
func dialBy(by, bundle string) error {
	websocket.DefaultDialer.Proxy = nil
	if by != "" {
		u, err := url.Parse(by)
		if err != nil {
			return errors.New("the URL of the proxy cannot be read") // it may have a password
		}
		websocket.DefaultDialer.Proxy = http.ProxyURL(u)
	}
	if bundle == "" {
		return nil
	}
	data, err := os.ReadFile(bundle)
	if err != nil {
		return fmt.Errorf("the trusted certificates cannot be read: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(data) {
		return fmt.Errorf("%s has no certificate", bundle)
	}
	websocket.DefaultDialer.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	return nil
}

// callTime is how long a call may take, its answer included.
const callTime = time.Minute

// ownClient makes calls with what the SDK finds itself. The endpoint of the arguments is
// that of Systems Manager alone: the calls for credentials go to their own.
func (c *child) ownClient(ctx context.Context) (*awsssm.Client, aws.Config, error) {
	cfg, err := sdkutil.GetConfigWithQuickCheck(ctx, "")
	if err != nil {
		return nil, cfg, err
	}
	if client, ok := cfg.HTTPClient.(*awshttp.BuildableClient); ok { // follows some redirects
		cfg.HTTPClient = &http.Client{Transport: client.GetTransport(), Timeout: callTime,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	own := []any{clockSource{c.clock}}
	if c.spec.Endpoint != "" {
		own = append(own, ssmEndpoint(c.spec.Endpoint))
	}
	cfg.ConfigSources = append(own, cfg.ConfigSources...)
	return awsssm.New(cfg), cfg, nil
}

// clockSource is a source of configuration that has the child's clock.
type clockSource struct{ clock *awsapi.Clock }

// Clock returns the clock by which requests are signed.
func (s clockSource) Clock() *awsapi.Clock { return s.clock }

// ssmEndpoint is a source of configuration that has the endpoint of Systems Manager.
type ssmEndpoint string

// GetServiceBaseEndpoint returns the endpoint of a service.
func (e ssmEndpoint) GetServiceBaseEndpoint(_ context.Context, id string) (endpoint string, found bool, err error) {
	return string(e), id == "SSM", nil
}

// resumeToken asks for a new token of the session, "" if the session is over.
func (c *child) resumeToken() (string, error) {
	// A signature in the URL cannot be renewed.
	if presigned, err := communicator.IsPresignedURL(c.session.StreamUrl); err != nil || presigned {
		return "", cmp.Or(err, errors.New("the stream's URL is signed and cannot be signed anew"))
	}
	if c.events != nil {
		if a := c.ask(event{Request: requestResume}); a.Served {
			return a.Token, a.err()
		}
	}
	ctx := context.Background()
	client, cfg, err := c.ownClient(ctx)
	if err != nil {
		return "", err
	}
	resumed, err := client.Resume(ctx, c.session.SessionId)
	if err != nil {
		return "", err
	}
	if keys, err := cfg.Credentials.Retrieve(ctx); err == nil {
		c.sign(keys)
	}
	return resumed.Token.Reveal(), nil
}

// terminateSession asks the service to end the session, with what the SDK finds itself.
func (c *child) terminateSession() error {
	ctx := context.Background()
	client, _, err := c.ownClient(ctx)
	if err != nil {
		return err
	}
	return client.Terminate(ctx, c.session.SessionId)
}

// parentKeys makes the official encrypter take its data keys from the parent, which makes
// the call to KMS.
func (c *child) parentKeys() {
	official := encryption.NewEncrypter
	encryption.NewEncrypter = func(log log.T, keyID string, context map[string]string, own encryption.KMSAPI) (*encryption.Encrypter, error) {
		return official(log, keyID, context, parentKMS{own, c})
	}
}

// parentKMS calls KMS through the parent.
type parentKMS struct {
	encryption.KMSAPI // for a parent that makes no calls
	child             *child
}

// GenerateDataKey implements encryption.KMSAPI.
func (k parentKMS) GenerateDataKey(ctx context.Context, in *kms.GenerateDataKeyInput, options ...func(*kms.Options)) (*kms.GenerateDataKeyOutput, error) {
	a := k.child.ask(event{Request: requestDataKey, KeyID: aws.ToString(in.KeyId), EncryptionContext: in.EncryptionContext})
	if !a.Served {
		return k.KMSAPI.GenerateDataKey(ctx, in, options...)
	}
	if err := a.err(); err != nil {
		return nil, err
	}
	return &kms.GenerateDataKeyOutput{Plaintext: a.Plaintext, CiphertextBlob: a.Ciphertext}, nil
}
