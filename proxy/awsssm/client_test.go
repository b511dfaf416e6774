package awsssm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"ssmguard/internal/awsapi"
	"ssmguard/proxy"
)

// call is one request as the service saw it.
type call struct{ Operation, Body string }

// api answers every call with the given function and keeps the calls.
type api struct {
	*httptest.Server
	mu    sync.Mutex
	calls []call
}

func serve(t *testing.T, answer func(operation string, w http.ResponseWriter)) *api {
	t.Helper()
	a := &api{}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		body, _ := io.ReadAll(r.Body)
		a.mu.Lock()
		a.calls = append(a.calls, call{op, string(body)})
		a.mu.Unlock()
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		answer(op, w)
	}))
	t.Cleanup(a.Close)
	return a
}

func client(endpoint string) *Client {
	return New(aws.Config{
		Region:       "eu-west-1",
		BaseEndpoint: &endpoint,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "s"}, nil
		}),
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) { o.Backoff = retry.BackoffDelayerFunc(noWait) })
		},
	})
}

func noWait(int, error) (time.Duration, error) { return 0, nil }

const started = `{"SessionId":"ann-1","TokenValue":"sesame","StreamUrl":"wss://127.0.0.1:7/ann-1"}`

func TestOpen(t *testing.T) {
	for name, tc := range map[string]struct {
		spec proxy.Spec
		body string
	}{
		"least": {proxy.Spec{Target: "i-1"}, `{"Target":"i-1"}`},
		"all": {proxy.Spec{Target: "i-1", Document: "D", Reason: "why", Parameters: map[string][]string{"a": {"1", "2"}}},
			`{"DocumentName":"D","Parameters":{"a":["1","2"]},"Reason":"why","Target":"i-1"}`},
		"as written": {proxy.Spec{Target: "ignored", Request: `{"Target": "i-2", "DocumentName": "", "Parameters": {"a": []}}`},
			`{"DocumentName":"","Parameters":{"a":[]},"Target":"i-2"}`},
	} {
		t.Run(name, func(t *testing.T) {
			a := serve(t, func(_ string, w http.ResponseWriter) { io.WriteString(w, started) })
			s, err := client(a.URL).Start(t.Context(), tc.spec)
			if tc.spec.Request != "" && a.calls[0].Body != tc.spec.Request {
				t.Errorf("sent %s, want it as written", a.calls[0].Body)
			}
			if err != nil {
				t.Fatal(err)
			}
			if s.ID != "ann-1" || s.Token.Reveal() != "sesame" || s.StreamURL.Reveal() != "wss://127.0.0.1:7/ann-1" || s.Spec.Target != tc.spec.Target {
				t.Errorf("session %+v", s)
			}
			var got, want any
			json.Unmarshal([]byte(a.calls[0].Body), &got)
			json.Unmarshal([]byte(tc.body), &want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestIncompleteAnswerIsTerminated(t *testing.T) {
	for missing, answer := range map[string]string{
		"SessionId":  `{"TokenValue":"t","StreamUrl":"u"}`,
		"TokenValue": `{"SessionId":"ann-1","StreamUrl":"u"}`,
		"StreamUrl":  `{"SessionId":"ann-1","TokenValue":"t","StreamUrl":null}`,
	} {
		a := serve(t, func(op string, w http.ResponseWriter) {
			if op == "StartSession" {
				io.WriteString(w, answer)
			} else {
				io.WriteString(w, "{}")
			}
		})
		_, err := client(a.URL).Start(t.Context(), proxy.Spec{Target: "i-1"})
		if err == nil || err.Error() != "the StartSession response has no "+missing {
			t.Errorf("without %s: %v", missing, err)
		}
		terminated := len(a.calls) == 2 && a.calls[1] == call{"TerminateSession", `{"SessionId":"ann-1"}`}
		if terminated != (missing != "SessionId") {
			t.Errorf("without %s: calls %+v", missing, a.calls)
		}
	}
}

func TestRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
		want   proxy.Refused
		text   string
		calls  int
	}{
		"denied": {400, `{"__type":"com.amazon#AccessDeniedException","Message":"User: u is not authorized"}`,
			proxy.Refused{Code: "AccessDeniedException", Message: "User: u is not authorized", Operation: "StartSession", HTTPStatus: 400},
			"An error occurred (AccessDeniedException) when calling the StartSession operation: User: u is not authorized", 1},
		"modelled": {400, `{"__type":"TargetNotConnected","message":"i-1 is not connected."}`,
			proxy.Refused{Code: "TargetNotConnected", Message: "i-1 is not connected.", Operation: "StartSession", HTTPStatus: 400},
			"An error occurred (TargetNotConnected) when calling the StartSession operation: i-1 is not connected.", 1},
		"throttled": {400, `{"__type":"ThrottlingException","message":"Rate exceeded"}`,
			proxy.Refused{Code: "ThrottlingException", Message: "Rate exceeded", Operation: "StartSession", HTTPStatus: 400, Attempts: 3},
			"An error occurred (ThrottlingException) when calling the StartSession operation (reached max retries: 2): Rate exceeded", 3},
		"without text": {400, `{"__type":"InvalidDocument"}`,
			proxy.Refused{Code: "InvalidDocument", Operation: "StartSession", HTTPStatus: 400},
			"An error occurred (InvalidDocument) when calling the StartSession operation:", 1},
		"without anything": {400, "",
			proxy.Refused{Code: "400", Operation: "StartSession", HTTPStatus: 400},
			"An error occurred (400) when calling the StartSession operation:", 1},
		"a page": {503, "<html>busy</html>",
			proxy.Refused{Code: "503", Message: "Service Unavailable", Operation: "StartSession", HTTPStatus: 503, Attempts: 3},
			"An error occurred (503) when calling the StartSession operation (reached max retries: 2): Service Unavailable", 3},
	} {
		t.Run(name, func(t *testing.T) {
			a := serve(t, func(_ string, w http.ResponseWriter) {
				w.WriteHeader(tc.status)
				io.WriteString(w, tc.body)
			})
			_, err := client(a.URL).Start(t.Context(), proxy.Spec{Target: "i-1"})
			var got *proxy.Refused
			if !errors.As(err, &got) {
				t.Fatalf("%T %v", err, err)
			}
			if diff := cmp.Diff(&tc.want, got); diff != "" {
				t.Error(diff)
			}
			if err.Error() != tc.text {
				t.Errorf("text %q", err)
			}
			if len(a.calls) != tc.calls {
				t.Errorf("%d calls, want %d", len(a.calls), tc.calls)
			}
		})
	}
}

// A StartSession that is refused because of a wrong clock is asked once more, and not again
// where that was not the reason.
func TestWrongClock(t *testing.T) {
	for name, tc := range map[string]struct {
		refusals int
		off      time.Duration
		calls    int
	}{
		"refused for its time":          {1, time.Hour, 2},
		"refused whatever its time":     {9, time.Hour, 2},
		"the clock is right":            {9, 0, 1},
		"the clock is ahead, and taken": {0, -time.Hour, 1},
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			a := serve(t, func(_ string, w http.ResponseWriter) {
				w.Header().Set("Date", time.Now().Add(tc.off).UTC().Format(http.TimeFormat))
				if asked++; asked > tc.refusals {
					io.WriteString(w, `{"SessionId":"ann-1","TokenValue":"t","StreamUrl":"wss://127.0.0.1:8/"}`)
					return
				}
				w.WriteHeader(400)
				io.WriteString(w, `{"__type":"InvalidSignatureException","message":"Signature expired"}`)
			})
			_, err := client(a.URL).Start(t.Context(), proxy.Spec{Target: "i-1"})
			if _, refused := errors.AsType[*proxy.Refused](err); refused != (asked <= tc.refusals) || len(a.calls) != tc.calls {
				t.Errorf("%d calls, %v", len(a.calls), err)
			}
		})
	}
}

// clocked is a source of configuration that has a clock.
type clocked struct{ clock *awsapi.Clock }

func (c clocked) Clock() *awsapi.Clock { return c.clock }

// The request that opens a data channel is signed by AWS's clock, as the call before it has told it.
func TestSignByAWSClock(t *testing.T) {
	a := serve(t, func(_ string, w http.ResponseWriter) {
		w.Header().Set("Date", time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat))
		io.WriteString(w, `{"SessionId":"ann-1","TokenValue":"t","StreamUrl":"wss://127.0.0.1:8/"}`)
	})
	c := client(a.URL)
	c.cfg.ConfigSources = []any{clocked{new(awsapi.Clock)}}
	sign := Sign(c.cfg)
	if _, err := New(c.cfg).Start(t.Context(), proxy.Spec{Target: "i-1"}); err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://127.0.0.1:8/", nil)
	if err == nil {
		err = sign(t.Context(), r)
	}
	if err != nil {
		t.Fatal(err)
	}
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if off := time.Since(at) - time.Hour; err != nil || off.Abs() > 4*time.Minute {
		t.Errorf("signed at %q, %v", r.Header.Get("X-Amz-Date"), err)
	}
}

// A role that cannot be assumed is reported under its own operation.
func TestCredentialsRefused(t *testing.T) {
	sts := fmt.Errorf("operation: %w", &smithy.OperationError{ServiceID: "SSM", OperationName: "StartSession", Err: &smithy.OperationError{
		ServiceID: "STS", OperationName: "AssumeRole", Err: &smithy.GenericAPIError{Code: "AccessDenied", Message: "no"}}})
	err := translate("StartSession", sts)
	if r, ok := errors.AsType[*proxy.Refused](err); !ok || r.Operation != "AssumeRole" {
		t.Errorf("%T %v", err, err)
	}
}

func TestResumeAndTerminate(t *testing.T) {
	gone := false
	a := serve(t, func(op string, w http.ResponseWriter) {
		switch {
		case gone:
			w.WriteHeader(400)
			io.WriteString(w, `{"__type":"DoesNotExistException","message":"no"}`)
		case op == "ResumeSession":
			io.WriteString(w, `{"SessionId":"ann-1","TokenValue":"again","StreamUrl":"wss://127.0.0.1:8/"}`)
		default:
			io.WriteString(w, `{"SessionId":"ann-1"}`)
		}
	})
	c := client(a.URL)
	s, err := c.Resume(t.Context(), "ann-1")
	if err != nil || s.Token.Reveal() != "again" || s.StreamURL.Reveal() != "wss://127.0.0.1:8/" {
		t.Errorf("%+v %v", s, err)
	}
	if err := c.Terminate(t.Context(), "ann-1"); err != nil {
		t.Error(err)
	}
	gone = true
	if err := c.Terminate(t.Context(), "ann-1"); err != nil {
		t.Errorf("ending an ended session: %v", err)
	}
	if _, err := c.Resume(t.Context(), "ann-1"); err == nil {
		t.Error("an ended session was resumed")
	}
}

func TestUnreachable(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	hangUp := serve(t, func(_ string, w http.ResponseWriter) {
		conn, _, _ := w.(http.Hijacker).Hijack()
		conn.Close()
	})
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(secure.Close)
	for name, tc := range map[string]struct {
		url  string
		want proxy.Reason
		text string
	}{
		"refused": {"http://" + closed.Addr().String(), proxy.NoConnection, fmt.Sprintf("Could not connect to the endpoint URL: %q", "http://"+closed.Addr().String()+"/")},
		"hang up": {hangUp.URL, proxy.ClosedEarly, fmt.Sprintf("Connection was closed before we received a valid response from endpoint URL: %q.", hangUp.URL+"/")},
		"tls":     {secure.URL, proxy.BadTLS, "SSL validation failed for " + secure.URL + "/ "},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := client(tc.url).Start(t.Context(), proxy.Spec{Target: "i-1"})
			u, ok := errors.AsType[*proxy.Unreachable](err)
			if !ok || u.Reason != tc.want || !strings.HasPrefix(err.Error(), tc.text) {
				t.Errorf("%T %v (%+v)", err, err, u)
			}
		})
	}
}

// trustFault is an error of an HTTP client that has nothing to trust.
type trustFault struct{}

func (trustFault) Error() string                                     { return "[Errno 2] No such file" }
func (trustFault) TrustFault() bool                                  { return true }
func (f trustFault) RoundTrip(*http.Request) (*http.Response, error) { return nil, f }

func TestNothingToTrust(t *testing.T) {
	c := New(aws.Config{Region: "us-east-1", Credentials: aws.AnonymousCredentials{}, HTTPClient: &http.Client{Transport: trustFault{}},
		RetryMaxAttempts: 1})
	_, err := c.Start(t.Context(), proxy.Spec{Target: "i-1"})
	u, ok := errors.AsType[*proxy.Unreachable](err)
	if !ok || u.Reason != proxy.BadTLS || u.Error() != "SSL validation failed for https://ssm.us-east-1.amazonaws.com/ [Errno 2] No such file" {
		t.Errorf("%T %v", err, err)
	}
}
