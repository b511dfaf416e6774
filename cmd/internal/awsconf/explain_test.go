package awsconf

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// TestExplain makes every kind of failure happen to a call and holds the CLI's
// words for it.
func TestExplain(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "127.0.0.1:" + fmt.Sprint(closed.Addr().(*net.TCPAddr).Port)
	closed.Close()
	hangUp := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, _ := w.(http.Hijacker).Hijack()
		conn.Close()
	}))
	defer hangUp.Close()
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	defer secure.Close()
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	defer refusing.Close()
	busy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprint(w, "<html>busy</html>")
	}))
	defer busy.Close()
	missing := filepath.Join(t.TempDir(), "none.pem")
	rubbish := filepath.Join(t.TempDir(), "rubbish.pem")
	if err := os.WriteFile(rubbish, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, endpoint string
		env            map[string]string
		code           int
		want           string // how the message begins
	}{
		{"refused", "http://" + nobody, nil, 255, `Could not connect to the endpoint URL: "http://` + nobody + `/"`},
		{"no such host", "http://no-such-host.invalid", nil, 255, `Could not connect to the endpoint URL: "http://no-such-host.invalid/"`},
		{"closed", hangUp.URL, nil, 255, `Connection was closed before we received a valid response from endpoint URL: "` + hangUp.URL + `/".`},
		{"certificate", secure.URL, nil, 255, "SSL validation failed for " + secure.URL + "/ [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: "},
		{"no bundle", secure.URL, map[string]string{"AWS_CA_BUNDLE": missing}, 255,
			"SSL validation failed for " + secure.URL + "/ " + missing + ": no such file or directory"},
		{"empty bundle", secure.URL, map[string]string{"AWS_CA_BUNDLE": rubbish}, 255, "SSL validation failed for " + secure.URL + "/ [X509]"},
		{"no proxy", "https://sts.invalid", map[string]string{"https_proxy": "http://" + nobody}, 255, `Failed to connect to proxy URL: "http://` + nobody + `"`},
		{"proxy refuses", "https://sts.invalid", map[string]string{"HTTPS_PROXY": refusing.URL}, 255, `Failed to connect to proxy URL: "` + refusing.URL + `"`},
		{"scheme", "ftp://h", nil, 255, "An HTTP Client raised an unhandled exception: Not supported URL scheme ftp"},
		{"busy", busy.URL, nil, 254, "An error occurred (503) when calling the GetCallerIdentity operation (reached max retries: 0): Service Unavailable"},
	} {
		t.Run(c.name, func(t *testing.T) {
			env := with("AWS_MAX_ATTEMPTS", "1", "AWS_ENDPOINT_URL", c.endpoint)
			for k, v := range c.env {
				env[k] = v
			}
			s, err := world{env: env}.load(t)
			if err != nil {
				t.Fatal(err)
			}
			_, err = sts.NewFromConfig(s.Config).GetCallerIdentity(context.Background(), nil)
			var e *Error
			if !errors.As(Explain(err, Call{Operation: "GetCallerIdentity", Endpoint: c.endpoint}), &e) || e.Code != c.code || !strings.HasPrefix(e.Message, c.want) {
				t.Errorf("got %v\nwant %d %s", Explain(err, Call{Operation: "GetCallerIdentity", Endpoint: c.endpoint}), c.code, c.want)
			}
		})
	}
}

func TestErrorText(t *testing.T) {
	e := &Error{Code: CodeRefused, Message: "An error occurred (X) when calling the Y operation: no", Service: &ServiceFault{Code: "X", Message: "no"}}
	for format, want := range map[string]string{
		"":         "\naws: [ERROR]: An error occurred (X) when calling the Y operation: no\n",
		"enhanced": "\naws: [ERROR]: An error occurred (X) when calling the Y operation: no\n",
		"legacy":   "\naws: [ERROR]: An error occurred (X) when calling the Y operation: no\n",
		"json":     "{\n    \"Message\": \"no\",\n    \"Code\": \"X\"\n}\n",
	} {
		if got := e.Text(format); got != want {
			t.Errorf("%q: got %q, want %q", format, got, want)
		}
	}
	if got, want := errNoRegion.Text("legacy"), "\naws: [ERROR]: "+errNoRegion.Message+"\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := errorf(CodeOther, "").Text(""), "\naws: [ERROR]:\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestProxyPasswordStaysOut: a proxy that cannot be understood is not quoted.
func TestProxyPasswordStaysOut(t *testing.T) {
	tr := &transports{env: environment{func(string) (string, bool) { return "http://me:sec%ret@p:1", true }}}
	resp, err := tr.client(trust{}).Get("https://h/")
	if err == nil {
		resp.Body.Close()
	}
	if err == nil || strings.Contains(err.Error(), "sec") || !strings.Contains(err.Error(), "HTTPS_PROXY is not the URL of a proxy") {
		t.Errorf("%v", err)
	}
}

// TestProxies holds Python's rules for the proxy variables, and the forms of NO_PROXY that
// Go programs know beside those.
func TestProxies(t *testing.T) {
	for _, c := range []struct {
		env  map[string]string
		url  string
		want string
	}{
		{map[string]string{"HTTP_PROXY": "http://p:1"}, "http://127.0.0.1:9/", "http://p:1"},
		{map[string]string{"http_proxy": "p:1", "HTTP_PROXY": "http://q:1"}, "http://h/", "http://p:1"},
		{map[string]string{"HTTPS_PROXY": "http://p:1"}, "http://h/", ""},
		{map[string]string{"ALL_PROXY": "http://p:1"}, "https://h/", ""},
		{map[string]string{"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"}, "https://h/", ""},
		{map[string]string{"HTTPS_PROXY": "http://p:1", "NO_PROXY": "x, .example.com"}, "https://a.example.com/", ""},
		{map[string]string{"HTTPS_PROXY": "http://p:1", "NO_PROXY": "example.com"}, "https://notexample.com/", "http://p:1"},
		{map[string]string{"HTTPS_PROXY": "http://p:1", "no_proxy": "h:443"}, "https://h:443/", ""},
		{map[string]string{"HTTPS_PROXY": "http://p:1", "NO_PROXY": "h:443"}, "https://h/", ""},
		{map[string]string{"HTTPS_PROXY": "http://p:1", "NO_PROXY": "h:443"}, "https://h:8443/", "http://p:1"},
		{map[string]string{"HTTPS_PROXY": "http://p:1", "NO_PROXY": ".example.com:443"}, "https://a.example.com/", ""},
		{map[string]string{"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*.lab.test"}, "https://ssm.lab.test/", ""},
		{map[string]string{"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*.lab.test"}, "https://lab.test/", "http://p:1"},
		{map[string]string{"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*.lab.test"}, "https://xlab.test/", "http://p:1"},
		{map[string]string{"HTTPS_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8"}, "https://10.1.2.3/", ""},
		{map[string]string{"HTTPS_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8"}, "https://11.1.2.3/", "http://p:1"},
	} {
		tr := &transports{env: environment{func(k string) (string, bool) { v, ok := c.env[k]; return v, ok }}}
		req := httptest.NewRequest(http.MethodGet, c.url, nil)
		u, err := tr.proxy(req)
		got := ""
		if u != nil {
			got = u.String()
		}
		if err != nil || got != c.want {
			t.Errorf("%v %s: %q %v, want %q", c.env, c.url, got, err, c.want)
		}
	}
}
