//go:build unix

package plugin_test

import (
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ssmguard/internal/sandbox/gateway"
)

// encrypted leads an order's stream through TLS with a certificate that no system trusts,
// as a proxy that opens TLS does. The result is the file of that certificate.
func (st *stage) encrypted(o *order) (bundle string) {
	st.t.Helper()
	bundle, _ = st.encryptedCounted(o)
	return bundle
}

// encryptedCounted counts the clients that have connected, too.
func (st *stage) encryptedCounted(o *order) (bundle string, connections *atomic.Int64) {
	st.t.Helper()
	connections = new(atomic.Int64)
	u, err := url.Parse(o.StreamURL)
	if err != nil {
		st.t.Fatal(err)
	}
	front := httptest.NewUnstartedServer(httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: u.Host}))
	front.Config.ErrorLog = log.New(io.Discard, "", 0) // clients that do not trust it are expected
	front.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	front.StartTLS()
	st.t.Cleanup(front.Close)
	u.Scheme, u.Host = "wss", front.Listener.Addr().String()
	o.StreamURL = u.String()
	bundle = filepath.Join(st.home, "ca.pem")
	if err := os.WriteFile(bundle, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: front.Certificate().Raw}), 0o600); err != nil {
		st.t.Fatal(err)
	}
	return bundle, connections
}

// connectProxy is an HTTP proxy that counts what it connects.
func connectProxy(t *testing.T) (address string, used *atomic.Int64) {
	t.Helper()
	used = new(atomic.Int64)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		far, err := net.Dial("tcp", r.Host)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer far.Close()
		near, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer near.Close()
		used.Add(1)
		io.WriteString(near, "HTTP/1.1 200 OK\r\n\r\n") //nolint:errcheck // the copies fail then
		done := make(chan struct{})
		go func() { defer close(done); io.Copy(far, near); far.Close() }()
		io.Copy(near, far)
		near.Close()
		<-done
	}))
	t.Cleanup(s.Close)
	return s.URL, used
}

// The certificates and the proxy of the session's start are those of its websocket, also
// when it is resumed.
func TestConnection(t *testing.T) {
	for name, tc := range map[string]struct {
		trusts, proxied bool
		want            string // of stderr, where there is no session
	}{
		"trusted":     {trusts: true},
		"proxied":     {trusts: true, proxied: true},
		"not trusted": {want: "cannot connect to the session: tls: failed to verify certificate: x509: certificate signed by unknown authority"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := newStage(t)
			o, s := st.start(gateway.SessionConfig{Kind: gateway.Shell})
			bundle, greeted := st.encryptedCounted(&o)
			if tc.trusts {
				o.CABundle = bundle
			}
			address, used := connectProxy(t)
			if tc.proxied {
				o.Proxy = address
			}
			d := st.run(o)
			if tc.want != "" {
				if code := d.wait(); code != 1 || !strings.Contains(d.err.String(), tc.want) {
					t.Errorf("exit status %d, stderr %q", code, d.err)
				}
				if n := greeted.Load(); n != 1 {
					t.Errorf("%d attempts at a certificate that is not trusted, want 1", n)
				}
				return
			}
			d.await(d.err, "ready")
			resumed(t, s)
			d.sayAndExit()
			if code := d.wait(); code != 0 {
				t.Errorf("exit status %d: %s", code, d.err)
			}
			if n := used.Load(); n > 0 != tc.proxied {
				t.Errorf("%d connections through the proxy", n)
			}
		})
	}
}

// A bundle that cannot be read is said, not passed over.
func TestConnectionFaults(t *testing.T) {
	st := newStage(t)
	o, _ := st.start(gateway.SessionConfig{Kind: gateway.Shell})
	o.CABundle = filepath.Join(st.home, "gone.pem")
	d := st.run(o)
	if code := d.wait(); code != 1 || !strings.Contains(d.err.String(), "cannot connect to the session: the trusted certificates cannot be read: "+o.CABundle) {
		t.Errorf("exit status %d, stderr %q", code, d.err)
	}
}

// Where the AWS CLI runs us as its plugin, the certificates that it trusts are ours.
func TestDropInTrustsCABundle(t *testing.T) {
	for name, set := range map[string]func(st *stage, bundle string) (profile string){
		"variable": func(st *stage, bundle string) string {
			st.environ = append(st.environ, "AWS_CA_BUNDLE="+bundle)
			return ""
		},
		"profile": func(st *stage, bundle string) string {
			st.configure("[profile inspected]\nca_bundle = " + bundle + "\n")
			return "inspected"
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := newStage(t)
			o, s := st.start(gateway.SessionConfig{Kind: gateway.Shell})
			profile := set(st, st.encrypted(&o))
			d := st.dropIn(inline("SessionId", "TokenValue", "StreamUrl", o), "eu-west-1", "StartSession", profile, `{"Target": "i-0123"}`, st.api.URL)
			d.await(d.out, "$ ")
			s.Finish("")
			d.wait()
			if d.err.String() != "" {
				t.Errorf("stderr %q", d.err)
			}
		})
	}
}

// configure writes the AWS CLI's configuration file.
func (st *stage) configure(text string) {
	st.t.Helper()
	dir := filepath.Join(st.home, ".aws")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		st.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config"), []byte(text), 0o600); err != nil {
		st.t.Fatal(err)
	}
}

// The endpoint that the AWS CLI passes on is that of Systems Manager: credentials are
// asked for elsewhere. With them the websocket is signed and the session resumed.
func TestDropInCredentialCalls(t *testing.T) {
	sts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>AKIDROLE</AccessKeyId><SecretAccessKey>x</SecretAccessKey>`+
			`<SessionToken>y</SessionToken><Expiration>2100-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`)
	}))
	t.Cleanup(sts.Close)
	st := newStage(t)
	st.configure("[profile role]\nrole_arn = arn:aws:iam::111122223333:role/dev\ncredential_source = Environment\n")
	st.environ = append(st.environ, "AWS_ENDPOINT_URL_STS="+sts.URL)
	o, s := st.start(gateway.SessionConfig{Kind: gateway.Shell})
	d := st.dropIn(inline("SessionId", "TokenValue", "StreamUrl", o), "eu-west-1", "StartSession", "role", `{"Target": "i-0123"}`, st.api.URL)
	d.await(d.out, "$ ")
	status := resumed(t, s)
	d.sayAndExit()
	d.wait()
	signed := gateway.Connect{Signed: true, AccessKey: "AKIDROLE"}
	if diff := cmp.Diff([]gateway.Connect{signed, signed}, status.Connects); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"ResumeSession AKIDROLE"}, st.called()); diff != "" {
		t.Error(diff)
	}
}

// A connection over which nothing comes any more is lost, as one is that is closed.
func TestSilentConnection(t *testing.T) {
	st := newStage(t)
	o, s := st.start(gateway.SessionConfig{Kind: gateway.Shell})
	d := st.run(o)
	d.await(d.err, "ready")
	s.Cut(gateway.Stall)
	awaitStatus(t, s, "the second connection", func(st gateway.Status) bool { return len(st.Connects) == 2 })
	d.sayAndExit()
	if code := d.wait(); code != 0 {
		t.Errorf("exit status %d: %s", code, d.err)
	}
}
