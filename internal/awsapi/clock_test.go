package awsapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
)

// tells is a source of configuration that has a clock.
type tells struct{ clock *Clock }

func (t tells) Clock() *Clock { return t.clock }

// elsewhere serves AWS with a clock of its own, which refuses the signatures that are more
// than five minutes off with a code. It counts the calls.
func elsewhere(t *testing.T, ahead time.Duration, status int, refusal string, header http.Header) (url string, calls *int) {
	calls = new(int)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*calls++
		io.Copy(io.Discard, r.Body)
		now := time.Now().Add(ahead)
		w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
		for name, values := range header {
			w.Header()[name] = values
		}
		at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
		if err != nil || now.Sub(at).Abs() > 5*time.Minute {
			w.WriteHeader(status)
			fmt.Fprint(w, refusal)
			return
		}
		fmt.Fprint(w, "{}")
	}))
	t.Cleanup(server.Close)
	return server.URL, calls
}

// A call that is refused because this machine's clock is wrong is signed with AWS's time, and
// so are those after it.
func TestWrongClock(t *testing.T) {
	json := func(code string) string { return `{"__type":"` + code + `","message":"Signature expired"}` }
	xml := func(code string) string {
		return "<ErrorResponse><Error><Code>" + code + "</Code><Message>Signature expired</Message></Error></ErrorResponse>"
	}
	for _, c := range []struct {
		name    string
		ahead   time.Duration // of AWS's clock
		api     func(aws.Config) *API
		refusal string
		header  http.Header
		calls   [2]int    // after the first call, and after the second
		codes   [2]string // of the error of each
	}{
		{"right", 0, KMS, json("InvalidSignatureException"), nil, [2]int{1, 2}, [2]string{}},
		{"an hour ahead", -time.Hour, KMS, json("InvalidSignatureException"), nil, [2]int{2, 3}, [2]string{}},
		{"an hour behind", time.Hour, KMS, json("InvalidSignatureException"), nil, [2]int{2, 3}, [2]string{}},
		{"a day behind", 24 * time.Hour, KMS, json("InvalidSignatureException"), nil, [2]int{2, 3}, [2]string{}},
		{"so far that AWS still takes it", 3 * time.Minute, KMS, json("InvalidSignatureException"), nil, [2]int{1, 2}, [2]string{}},
		{"EC2's word", time.Hour, EC2, xml("RequestExpired"), nil, [2]int{2, 3}, [2]string{}},
		{"EC2's other word", time.Hour, EC2, xml("AuthFailure"), nil, [2]int{2, 3}, [2]string{}},
		{"RDS", time.Hour, RDS, xml("SignatureDoesNotMatch"), nil, [2]int{2, 3}, [2]string{}},
		{"a region's own endpoint", -time.Hour, func(cfg aws.Config) *API { return SSM(cfg, *cfg.BaseEndpoint) }, json("InvalidSignatureException"), nil, [2]int{2, 3}, [2]string{}},
		{"a denial is not asked again", time.Hour, KMS, json("AccessDeniedException"), nil, [2]int{1, 2}, [2]string{"AccessDeniedException"}},
		{"no date", time.Hour, KMS, json("InvalidSignatureException"), http.Header{"Date": nil}, [2]int{1, 2}, [2]string{"InvalidSignatureException", "InvalidSignatureException"}},
		{"another form of date", time.Hour, KMS, json("InvalidSignatureException"), http.Header{"Date": {"2026-11-29"}}, [2]int{1, 2}, [2]string{"InvalidSignatureException", "InvalidSignatureException"}},
		{"an answer of a cache", time.Hour, KMS, json("InvalidSignatureException"), http.Header{"Age": {"3600"}}, [2]int{1, 2}, [2]string{"InvalidSignatureException", "InvalidSignatureException"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			url, calls := elsewhere(t, c.ahead, 400, c.refusal, c.header)
			cfg := aws.Config{
				Region: "eu-west-1", BaseEndpoint: &url, RetryMaxAttempts: 1, ConfigSources: []any{tells{new(Clock)}},
				Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
					return aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "s"}, nil
				}),
			}
			for i, want := range c.calls {
				// A client of its own each time: what is learned is the configuration's.
				api := c.api(cfg)
				var out struct{}
				var in any = Form{}
				if _, ok := api.protocol.(jsonRPC); ok {
					in = struct{}{}
				}
				err := api.call(t.Context(), "", "Describe", in, &out)
				var refused smithy.APIError
				code := ""
				if errors.As(err, &refused) {
					code = refused.ErrorCode()
				}
				if _, query := api.protocol.(query); query && as[*smithy.DeserializationError](err) {
					err = nil // the answer is no XML
				}
				if code != c.codes[i] || (err == nil) != (code == "") || *calls != want {
					t.Errorf("call %d: %v, %d calls; want %q, %d calls", i+1, err, *calls, c.codes[i], want)
				}
			}
			if off := time.Until(ClockOf(cfg).Now()) - c.ahead; c.codes[1] == "" && off.Abs() > 4*time.Minute {
				t.Errorf("AWS's clock is missed by %v", off)
			}
		})
	}
}

// A clock that is set while a program runs is noticed each time.
func TestClockIsSet(t *testing.T) {
	clock := new(Clock)
	date := func(ahead time.Duration) http.Header {
		return http.Header{"Date": {time.Now().Add(ahead).UTC().Format(http.TimeFormat)}}
	}
	near := func(what string, want time.Duration) {
		t.Helper()
		if off := clock.Ahead() - want; off.Abs() > 30*time.Second {
			t.Errorf("%s: %v ahead, want %v", what, clock.Ahead(), want)
		}
	}
	clock.Hear(date(-time.Hour), time.Now())
	near("set ahead", -time.Hour)
	if at := time.Now(); clock.Local(at).Sub(at) != -clock.Ahead() {
		t.Errorf("%v is %v here", at, clock.Local(at))
	}
	clock.Hear(date(0), time.Now().Add(-2*time.Minute))
	near("an answer after minutes tells nothing", -time.Hour)
	clock.Hear(date(-10*time.Second), time.Now())
	if clock.Ahead() != 0 {
		t.Errorf("set right, but %v ahead", clock.Ahead())
	}
}
