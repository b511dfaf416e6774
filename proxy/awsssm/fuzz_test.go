package awsssm

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"

	"ssmguard/internal/awsapi"
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

// answered is a configuration with which every call gets an answer.
func answered(status int, body string) aws.Config {
	return aws.Config{Region: "us-east-1", HTTPClient: answering{status, body}, Retryer: func() aws.Retryer { return aws.NopRetryer{} },
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "s"}, nil
		})}
}

// FuzzStartSession: whatever AWS's API answers, an opened session has all that it needs,
// and leads to a host of the endpoint, by TLS.
func FuzzStartSession(f *testing.F) {
	// belongs are the hosts to which AWS's endpoint of us-east-1 may send a data channel: its own,
	// those of its VPC endpoints, and those of the partition's Regions.
	belongs := regexp.MustCompile(`(?i)^(ssm\.us-east-1\.amazonaws\.com|vpce-[^.]+\.ssmmessages(-fips)?\.us-east-1\.vpce\.(amazonaws\.com|api\.aws)|` +
		`ssmmessages(-fips)?\.[a-z]+(-[a-z]+)+-[0-9]+\.(amazonaws\.com|api\.aws))$`)
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
		s, err := New(answered(status, body)).Start(t.Context(), proxy.Spec{Target: "i-0123456789abcdef0"})
		if err != nil {
			if s != nil {
				t.Errorf("a session, and %v", err)
			}
			return
		}
		u, err := url.Parse(s.StreamURL.Reveal())
		if err != nil || refused || s.ID == "" || s.Token.Reveal() == "" || u.Scheme != "wss" || u.User != nil || !belongs.MatchString(u.Hostname()) {
			t.Errorf("opened a session at %v (%v)", u, err)
		}
	})
}

// FuzzAnswer: whatever a service answers, in JSON or in XML, is an output or an error with
// what the answer says. It is here because the tests of internal/awsapi compile the SDK's
// package for EC2, which takes minutes and gigabytes when it is instrumented.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"SessionId":"ann-1","TokenValue":"x","Items":[{"Name":"a"}]}`,
		`{"__type":"com.amazonaws.ssm#AccessDeniedException:http://x","message":"no"}`,
		`<DescribeXResponse><DescribeXResult><SessionId>a</SessionId><Items><Name>a</Name></Items></DescribeXResult></DescribeXResponse>`,
		`<ErrorResponse><Error><Code>AccessDenied</Code><Message>no &amp; never</Message></Error><RequestId>1-2</RequestId></ErrorResponse>`,
		`<Response><Errors><Error><Code>UnauthorizedOperation</Code></Error></Errors><RequestID>1</RequestID></Response>`,
		"<DescribeXResult><![CDATA[x]]><!-- y --></DescribeXResult>", "{", "null", "[]", "<", "",
	} {
		f.Add(seed, false)
		f.Add(seed, true)
	}
	f.Fuzz(func(t *testing.T, body string, refused bool) {
		defer memtest.Bounded(t, len(body))()
		status := http.StatusOK
		if refused {
			status = http.StatusForbidden
		}
		cfg := answered(status, body)
		type output struct {
			SessionID, TokenValue *string
			Items                 []struct{ Name string }
		}
		for _, api := range []*awsapi.API{awsapi.SSM(cfg, ""), awsapi.EC2(cfg), awsapi.RDS(cfg)} {
			out, err := awsapi.Call[output](t.Context(), api, "", "DescribeX", awsapi.Form{})
			if (out == nil) == (err == nil) || refused && err == nil {
				t.Errorf("%+v, %v", out, err)
			}
			var e smithy.APIError
			if errors.As(err, &e) && len(e.ErrorCode()) > len(body)+len("UnknownError") {
				t.Errorf("more was read than there is: %q", e.ErrorCode())
			}
		}
	})
}
