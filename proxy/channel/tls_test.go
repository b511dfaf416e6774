package channel_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ssmguard/internal/sandbox/gateway"
	"ssmguard/proxy"
	"ssmguard/proxy/channel"
)

// front puts TLS before the gateways of a test, as AWS has it before its own.
type front struct {
	*httptest.Server
}

func newFront(t *testing.T, streamURL proxy.Secret) front {
	t.Helper()
	u, err := url.Parse(streamURL.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: u.Host}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // clients that go are expected
	s.StartTLS()
	t.Cleanup(s.Close)
	return front{s}
}

// over leads a stream URL through the front.
func (f front) over(streamURL proxy.Secret) proxy.Secret {
	u, err := url.Parse(streamURL.Reveal())
	if err != nil {
		return streamURL
	}
	u.Scheme, u.Host = "wss", f.Listener.Addr().String()
	return proxy.NewSecret(u.String())
}

func (f front) trusted() *tls.Config {
	pool := x509.NewCertPool()
	pool.AddCert(f.Certificate())
	return &tls.Config{RootCAs: pool}
}

// tunnelProxy is an HTTP proxy that serves CONNECT alone, and counts.
func tunnelProxy(t *testing.T) (proxyURL *url.URL, used *atomic.Int64) {
	t.Helper()
	used = new(atomic.Int64)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect {
			http.Error(w, "CONNECT only", http.StatusMethodNotAllowed)
			return
		}
		far, err := net.Dial("tcp", r.Host)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		near, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			far.Close()
			return
		}
		used.Add(1)
		io.WriteString(near, "HTTP/1.1 200 OK\r\n\r\n") //nolint:errcheck // the copies fail then
		for _, c := range [][2]net.Conn{{near, far}, {far, near}} {
			go func() { // until the channel and the front close their ends
				io.Copy(c[0], c[1]) //nolint:errcheck // either end may go at any time
				c[0].Close()
			}()
		}
	}))
	t.Cleanup(s.Close)
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u, used
}

// Over TLS and through a proxy, bytes pass as they do without, cuts are
// resumed the same way, and the pauses in paced downloads lose nothing.
func TestOverTLS(t *testing.T) {
	proxyURL, used := tunnelProxy(t)
	c := config(listen(t, orders))
	c.Unpaced = false
	var f front
	r := newRig(t, c, func(o *channel.Options) {
		f = newFront(t, o.Session.StreamURL)
		o.Session.StreamURL = f.over(o.Session.StreamURL)
		o.TLS = f.trusted()
		o.Proxy = http.ProxyURL(proxyURL)
		resume := o.Resume
		o.Resume = func(ctx context.Context, id string) (proxy.Secret, proxy.Secret, error) {
			u, token, err := resume(ctx, id)
			return f.over(u), token, err
		}
	})
	conn := r.connect()
	if _, err := transfer(conn, 'd', 512<<10); err != nil { // half a second and more
		t.Fatal(err)
	}
	if _, err := conn.Write(order('e', 0)); err != nil {
		t.Fatal(err)
	}
	for i := range uint64(4) {
		if i%2 == 1 {
			r.s.Cut(gateway.CutRST)
		}
		if err := roundTrip(conn, i, 64<<10); err != nil {
			t.Fatal(err)
		}
	}
	if n := r.seen(channel.Resumed); n != 2 || used.Load() != 3 {
		t.Errorf("resumed %d times over %d connections of the proxy, want 2 over 3", n, used.Load())
	}
}

// A certificate that we do not trust is told as such, at once, and the token is not sent.
func TestUntrustedCertificate(t *testing.T) {
	r := &rig{t: t, g: serve(t)}
	begin := time.Now()
	ch, err := r.dial(config(listen(t, echoes)), func(o *channel.Options) {
		o.Session.StreamURL = newFront(t, o.Session.StreamURL).over(o.Session.StreamURL)
	})
	if err == nil {
		ch.Close()
		t.Fatal("connected")
	}
	var unknown x509.UnknownAuthorityError
	if !errors.As(err, &unknown) || strings.Contains(err.Error(), "wss://") {
		t.Errorf("%v, want the certificate's fault, without the URL", err)
	}
	if time.Since(begin) >= patience {
		t.Error("not before OpenTimeout")
	}
	if s := r.s.Status(); len(s.Connects) != 0 {
		t.Errorf("connected %d times", len(s.Connects))
	}
}
