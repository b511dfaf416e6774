package awsconf

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// askers are the sources of credentials that ask somebody, with a token, a key or a
// signature.
var askers = map[string]func(t *testing.T, url string) (*home, string){
	"container": func(t *testing.T, url string) (*home, string) {
		h := newHome(t, &cloud{Server: &httptest.Server{URL: url}}, "")
		h.env["AWS_CONTAINER_CREDENTIALS_FULL_URI"], h.env["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = url+"/creds", "hush"
		return h, "default"
	},
	"instance": func(t *testing.T, url string) (*home, string) {
		h := newHome(t, &cloud{Server: &httptest.Server{URL: url}}, "")
		h.env["AWS_EC2_METADATA_DISABLED"], h.env["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = "false", url
		return h, "default"
	},
	"role": func(t *testing.T, url string) (*home, string) {
		return newHome(t, &cloud{Server: &httptest.Server{URL: url}}, roleAlone), "p"
	},
	"web identity": func(t *testing.T, url string) (*home, string) {
		h := newHome(t, &cloud{Server: &httptest.Server{URL: url}}, "")
		h.write(t, "token", "hush")
		h.env["AWS_WEB_IDENTITY_TOKEN_FILE"], h.env["AWS_ROLE_ARN"] = filepath.Join(h.dir, ".aws/token"), "arn:aws:iam::123456789012:role/r"
		return h, "default"
	},
	"identity center": func(t *testing.T, url string) (*home, string) {
		h := newHome(t, &cloud{Server: &httptest.Server{URL: url}}, ssoConfigText)
		ssoTokenFile(t, h, "2099-01-01T00:00:00Z")
		return h, "sso"
	},
	"a refreshed login": func(t *testing.T, url string) (*home, string) {
		h := newHome(t, &cloud{Server: &httptest.Server{URL: url}}, ssoConfigText)
		ssoTokenFile(t, h, "2001-01-01T00:00:00Z")
		return h, "sso"
	},
}

func ask(t *testing.T, source, url string) error {
	t.Helper()
	h, profile := askers[source](t, url)
	if profile == "default" {
		_, err := h.credentials()
		return err
	}
	_, err := h.credentials("--profile", profile)
	return err
}

// TestRedirectsAreNotFollowed: nothing is asked for at a place that an answer names.
func TestRedirectsAreNotFollowed(t *testing.T) {
	var asked atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		t.Errorf("%s %s was asked for, with %v", r.Method, r.URL, r.Header)
	}))
	defer elsewhere.Close()
	for source := range askers {
		for _, status := range []int{301, 302, 303, 307, 308} {
			var calls atomic.Int32
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				calls.Add(1)
				http.Redirect(w, r, elsewhere.URL+r.URL.Path, status)
			}))
			err := ask(t, source, s.URL)
			s.Close()
			if err == nil || calls.Load() == 0 {
				t.Errorf("%s, %d: %v after %d calls", source, status, err, calls.Load())
			}
		}
	}
}

// TestEndlessAnswers: of an answer without end a bounded part is read, once, and one line
// says so.
func TestEndlessAnswers(t *testing.T) {
	for source := range askers {
		var calls, sent atomic.Int64
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			calls.Add(1)
			for block := make([]byte, 64<<10); ; {
				n, err := w.Write(block)
				sent.Add(int64(n))
				if err != nil {
					return
				}
			}
		}))
		err := ask(t, source, s.URL)
		s.Close() // waits for the handler
		if err == nil || !strings.Contains(err.Error(), "is larger than") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", source, err)
		}
		const sockets = 16 << 20 // what the system may hold
		if calls.Load() != 1 || sent.Load() > answerBound.size+sockets {
			t.Errorf("%s: %d calls, %d MiB were sent", source, calls.Load(), sent.Load()>>20)
		}
	}
}

// TestEndlessHeaders: so is a header.
func TestEndlessHeaders(t *testing.T) {
	for _, source := range []string{"container", "role"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		var sent atomic.Int64
		done := make(chan struct{})
		go func() {
			defer close(done)
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				for line := "HTTP/1.1 200 OK\r\n"; err == nil; line = "X-More: " + strings.Repeat("x", 8<<10) + "\r\n" {
					var n int
					n, err = io.WriteString(conn, line)
					sent.Add(int64(n))
				}
				conn.Close()
			}
		}()
		err = ask(t, source, "http://"+l.Addr().String())
		l.Close()
		<-done
		if err == nil || sent.Load() > 64<<20 {
			t.Errorf("%s: %v, %d MiB were sent", source, err, sent.Load()>>20)
		}
	}
}

// TestSlowAnswer: an answer that trickles is given up after a time, however lively it is.
func TestSlowAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		theirs := make(chan net.Conn, 1)
		transport := &lazyTransport{base: (&transports{read: time.Minute}).base(nil)}
		transport.base.DialContext = func(context.Context, string, string) (net.Conn, error) {
			near, far := net.Pipe()
			theirs <- far
			return near, nil
		}
		defer transport.base.CloseIdleConnections()
		served := make(chan struct{})
		defer func() { <-served }()
		go func() {
			defer close(served)
			conn := <-theirs
			defer conn.Close()
			if _, err := http.ReadRequest(bufio.NewReader(conn)); err != nil {
				t.Error(err)
				return
			}
			_, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
			for err == nil {
				time.Sleep(time.Second)
				_, err = conn.Write([]byte{' '})
			}
		}()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://aws.test/", nil)
		if err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		resp, err := transport.RoundTrip(req)
		var over *BoundError
		if !errors.As(err, &over) || over.Error() != "the answer has not ended after 2m0s" || resp != nil {
			t.Errorf("%v, %v", resp, err)
		}
		if took := time.Since(begun); took != answerBound.total {
			t.Errorf("given up after %v", took)
		}
	})
}

// TestCredentialProcessIsBounded: so is what a credential process prints, and its time.
func TestCredentialProcessIsBounded(t *testing.T) {
	for name, tc := range map[string]struct {
		bound   bound
		command string
		want    string
	}{
		"endless output": {bound{"its output", 64 << 10, time.Hour}, "yes", "its output is larger than 64 KiB"},
		"endless errors": {bound{"its output", 64 << 10, time.Hour}, "sh -c 'yes >&2'", "its output is larger than 64 KiB"},
		"no end":         {bound{"its output", 64 << 10, 50 * time.Millisecond}, "sleep 600", "its output has not ended after 50ms"},
	} {
		_, err := tc.bound.run(t.Context(), tc.command, nil)
		if err == nil || err.Error() != "Error when retrieving credentials from custom-process: "+tc.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	c, err := processBound.run(t.Context(), `printf '{"Version":1,"AccessKeyId":"AKIDP","SecretAccessKey":"s"}'`, nil)
	if err != nil || c.AccessKeyID != "AKIDP" {
		t.Errorf("%v, %v", c, err)
	}
}

// TestLargeFiles: files of others' making are read up to a bound as well.
func TestLargeFiles(t *testing.T) {
	large := func(t *testing.T, path string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, 1<<40); err != nil { // it takes no room on the disk
			t.Skip(err)
		}
	}
	for name, b := range map[string]bound{"a cache": cacheBound, "a token": tokenBound, "certificates": bundleBound} {
		path := filepath.Join(t.TempDir(), "f")
		large(t, path)
		if _, err := b.readFile(path); !isBound(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	h, profile := askers["identity center"](t, "http://127.0.0.1:1")
	large(t, filepath.Join(h.dir, ".aws", "sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json"))
	if _, err := h.credentials("--profile", profile); err == nil || err.Error() != "Error loading SSO Token: the file is larger than 1 MiB" {
		t.Errorf("a login: %v", err)
	}
	h, _ = askers["web identity"](t, "http://127.0.0.1:1")
	large(t, filepath.Join(h.dir, ".aws/token"))
	if _, err := h.credentials(); err == nil || err.Error() != "the token file is larger than 64 KiB" {
		t.Errorf("a web identity: %v", err)
	}
	if _, err := (trust{bundle: filepath.Join(h.dir, ".aws/token")}).config(); err == nil || err.Error() != "the file is larger than 16 MiB" {
		t.Errorf("a bundle: %v", err)
	}
}

func BenchmarkWhole(b *testing.B) {
	text := strings.Repeat("x", 4<<10)
	for b.Loop() {
		resp, err := whole(&http.Response{Body: io.NopCloser(strings.NewReader(text))}, func(error) {})
		if err != nil {
			b.Fatal(err)
		}
		fmt.Fprint(io.Discard, resp.Status)
	}
}
