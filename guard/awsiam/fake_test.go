package awsiam

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// fakeCall is one request as the fake saw it.
type fakeCall struct {
	Op   string // GetRole
	Form url.Values
	JSON map[string]any
}

// fake answers each operation with a function, for the answers that an honest
// account never gives: garbage, throttling, silence.
type fake struct {
	mu    sync.Mutex
	calls []string
	ops   map[string]func(http.ResponseWriter, fakeCall)
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var call fakeCall
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		call.Op = target[strings.LastIndex(target, ".")+1:]
		_ = json.Unmarshal(body, &call.JSON)
	} else {
		call.Form, _ = url.ParseQuery(string(body))
		call.Op = call.Form.Get("Action")
	}
	f.mu.Lock()
	f.calls = append(f.calls, call.Op)
	op := f.ops[call.Op]
	f.mu.Unlock()
	if op == nil {
		op = denied
	}
	op(w, call)
}

func (f *fake) count(op string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, c := range f.calls {
		if c == op {
			n++
		}
	}
	return n
}

// newFake serves ops and returns a client for it. What ops does not name is denied.
func newFake(t *testing.T, o Options, ops map[string]func(http.ResponseWriter, fakeCall)) (*Client, *fake) {
	t.Helper()
	f := &fake{ops: ops}
	srv := httptest.NewServer(f)
	t.Cleanup(srv.Close)
	c := New(fakeConfig(srv.URL), patient(o))
	t.Cleanup(c.Close)
	return c, f
}

// patient has a call that a busy machine holds up waited for.
func patient(o Options) Options {
	if o.CallTimeout == 0 {
		o.CallTimeout = 2 * time.Minute
	}
	return o
}

func fakeConfig(endpoint string) aws.Config {
	return aws.Config{
		Region:       "eu-central-1",
		BaseEndpoint: aws.String(endpoint),
		Credentials:  credentials.NewStaticCredentialsProvider("ASIAEXAMPLE", "secret", "token"),
	}
}

// failure answers with an error code in both protocols.
func failure(status int, code string) func(http.ResponseWriter, fakeCall) {
	return func(w http.ResponseWriter, c fakeCall) {
		if c.Form == nil {
			w.Header().Set("Content-Type", "application/x-amz-json-1.1")
			w.WriteHeader(status)
			fmt.Fprintf(w, `{"__type":%q,"message":"the message"}`, code)
			return
		}
		w.WriteHeader(status)
		fmt.Fprintf(w, `<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>the message</Message></Error><RequestId>1</RequestId></ErrorResponse>`, code)
	}
}

var (
	denied    = failure(403, "AccessDenied")
	throttled = failure(400, "Throttling")
)

// text answers 200 with a body.
func text(body string) func(http.ResponseWriter, fakeCall) {
	return func(w http.ResponseWriter, c fakeCall) {
		if c.Form == nil {
			w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		}
		_, _ = io.WriteString(w, body)
	}
}

// result wraps an XML result as the query protocol does.
func result(op, body string) func(http.ResponseWriter, fakeCall) {
	return text(fmt.Sprintf(`<%[1]sResponse><%[1]sResult>%[2]s</%[1]sResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></%[1]sResponse>`, op, body))
}

// silence answers when the server or the client gives up, whichever is first.
func silence(stop <-chan struct{}) func(http.ResponseWriter, fakeCall) {
	return func(http.ResponseWriter, fakeCall) { <-stop }
}

func whoami(arn string) func(http.ResponseWriter, fakeCall) {
	return result("GetCallerIdentity", `<Arn>`+arn+`</Arn><UserId>AROAEXAMPLE:ann</UserId><Account>111122223333</Account>`)
}

const devSession = "arn:aws:sts::111122223333:assumed-role/dev/ann"
