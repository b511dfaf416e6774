package awsssm

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"ssmguard/internal/memtest"
	"ssmguard/proxy"
)

// answering is an HTTP client that answers every call alike.
type answering struct {
	status int
	body   string
}

func (a answering) Do(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: a.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}},
		Body: io.NopCloser(strings.NewReader(a.body)), ContentLength: int64(len(a.body)), Request: r}, nil
}

// ofUsEast1 reports whether a host is one of those to which AWS's endpoint of us-east-1
// may send a data channel.
func ofUsEast1(host string) bool {
	for _, end := range []string{".us-east-1.amazonaws.com", ".us-east-1.api.aws", ".us-east-1.vpce.amazonaws.com"} {
		if service, ok := strings.CutSuffix(strings.ToLower(host), end); ok && (strings.HasSuffix(service, "ssmmessages") || strings.HasSuffix(service, "ssmmessages-fips") || service == "ssm") {
			return true
		}
	}
	return false
}

// FuzzStartSession: whatever AWS's API answers, an opened session has all that it needs,
// and leads to a host of the endpoint, by TLS.
func FuzzStartSession(f *testing.F) {
	for _, seed := range []string{
		`{"SessionId":"ann-1","TokenValue":"hush","StreamUrl":"wss://ssmmessages.us-east-1.amazonaws.com/v1/data-channel/ann-1?role=publish_subscribe"}`,
		`{"SessionId":"ann-1","TokenValue":"hush","StreamUrl":"wss://evil.example/#ssmmessages.us-east-1.amazonaws.com"}`,
		`{"SessionId":"ann-1","TokenValue":"hush","StreamUrl":"ws://ssmmessages.us-east-1.amazonaws.com/"}`,
		`{"SessionId":"ann-1","TokenValue":"hush","StreamUrl":"wss://ann:x@ssmmessages.us-east-1.amazonaws.com/"}`,
		`{"SessionId":"ann-1","TokenValue":"hush","StreamUrl":"wss:\\\\evil.example"}`,
		`{"SessionId":"ann-1"}`, `{"__type":"TargetNotConnected","message":"i-1 is not connected."}`, "null", "{", "",
	} {
		f.Add(seed, false)
		f.Add(seed, true)
	}
	f.Fuzz(func(t *testing.T, body string, refused bool) {
		defer memtest.Bounded(t, len(body))()
		status := http.StatusOK
		if refused {
			status = http.StatusBadRequest
		}
		c := New(aws.Config{Region: "us-east-1", HTTPClient: answering{status, body}, Retryer: func() aws.Retryer { return aws.NopRetryer{} },
			Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "s"}, nil
			})})
		s, err := c.Start(t.Context(), proxy.Spec{Target: "i-0123456789abcdef0"})
		if err != nil {
			if s != nil {
				t.Errorf("a session, and %v", err)
			}
			return
		}
		u, err := url.Parse(s.StreamURL.Reveal())
		if err != nil || refused || s.ID == "" || s.Token.Reveal() == "" || u.Scheme != "wss" || u.User != nil || !ofUsEast1(u.Hostname()) {
			t.Errorf("opened a session at %v (%v)", u, err)
		}
	})
}
