package awsconf

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"ssmguard/internal/awsapi"
	"ssmguard/internal/nettext"
)

// trust is how a client checks a server's certificate.
type trust struct {
	skip   bool
	bundle string // file with the trusted roots, "" for the system's
}

// transports makes HTTP clients, one for each kind of trust, with the same proxies and
// timeouts.
type transports struct {
	env     environment
	connect time.Duration // 0: no limit
	read    time.Duration
	clock   *awsapi.Clock // hears every answer

	mu   sync.Mutex
	made map[trust]*http.Client
}

func (t *transports) client(how trust) *http.Client {
	t.mu.Lock()
	defer t.mu.Unlock()
	if c := t.made[how]; c != nil {
		return c
	}
	if t.made == nil {
		t.made = map[trust]*http.Client{}
	}
	c := &http.Client{
		Transport:     &lazyTransport{how: how, base: t.base(t.proxy), clock: t.clock},
		CheckRedirect: noRedirects,
	}
	t.made[how] = c
	return c
}

// Dialing returns the settings for data channels of our own: the proxy for a request, and
// the trusted certificates (nil: the system's). A data channel's certificate is always
// verified: --no-verify-ssl is about calls of the API, as in the AWS CLI.
func (s *Session) Dialing() (proxy func(*http.Request) (*url.URL, error), trusted *tls.Config, err error) {
	client, ok := s.SSM.HTTPClient.(*http.Client)
	if !ok {
		return nil, nil, nil
	}
	lazy, ok := client.Transport.(*lazyTransport)
	if !ok {
		return nil, nil, nil
	}
	// Not through prepare, which writes fields that a request in plain HTTP may be reading.
	if trusted, err = (trust{bundle: lazy.how.bundle}).config(); err != nil {
		return nil, nil, err
	}
	return lazy.base.Proxy, trusted, nil
}

// Connecting returns the settings for the data channel of a plugin: the proxy for a
// request, and the file of the trusted certificates, "" for the system's.
func (s *Session) Connecting() (proxy func(*http.Request) (*url.URL, error), bundle string) {
	client, ok := s.SSM.HTTPClient.(*http.Client)
	if !ok {
		return nil, ""
	}
	lazy, ok := client.Transport.(*lazyTransport)
	if !ok {
		return nil, ""
	}
	return lazy.base.Proxy, lazy.how.bundle
}

func (t *transports) base(proxy func(*http.Request) (*url.URL, error)) *http.Transport {
	return &http.Transport{
		Proxy:                  proxy,
		DialContext:            (&net.Dialer{Timeout: t.connect, KeepAlive: 30 * time.Second}).DialContext,
		ResponseHeaderTimeout:  t.read,
		MaxResponseHeaderBytes: headerBound,
		MaxIdleConnsPerHost:    8,
		IdleConnTimeout:        90 * time.Second,
		DisableCompression:     true, // an answer is as long as what is read of it
		OnProxyConnectResponse: func(_ context.Context, proxy *url.URL, _ *http.Request, answer *http.Response) error {
			if answer.StatusCode == http.StatusOK {
				return nil
			}
			return &net.OpError{Op: "proxyconnect", Net: "tcp", Addr: proxyAddr(proxy.Host), Err: errors.New(answer.Status)}
		},
	}
}

// proxyAddr is the address of a proxy that has refused a connection.
type proxyAddr string

func (proxyAddr) Network() string  { return "tcp" }
func (a proxyAddr) String() string { return string(a) }

// lazyTransport reads the certificate bundle for the first HTTPS request: a fault of
// the bundle is then a fault of that request, as in the CLI, and plain HTTP does not
// need the bundle.
type lazyTransport struct {
	how   trust
	base  *http.Transport
	clock *awsapi.Clock
	once  sync.Once
	err   error
}

// A BundleError is a certificate bundle that cannot be read.
type BundleError struct{ text string }

// Error returns the text that the CLI puts after the URL.
func (e *BundleError) Error() string { return e.text }

// TrustFault identifies the fault to packages that cannot import this type.
func (e *BundleError) TrustFault() bool { return true }

func (l *lazyTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if strings.EqualFold(req.URL.Scheme, "https") {
		l.once.Do(l.prepare)
		if l.err != nil {
			return nil, l.err
		}
	}
	ctx, stop := context.WithCancelCause(req.Context())
	defer stop(nil)
	asked := time.Now()
	resp, err := l.base.RoundTrip(req.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	l.clock.Hear(resp.Header, asked)
	return whole(resp, stop)
}

var _ interface{ CloseIdleConnections() } = (*lazyTransport)(nil)

// CloseIdleConnections implements what http.Client.CloseIdleConnections asks for.
func (l *lazyTransport) CloseIdleConnections() { l.base.CloseIdleConnections() }

// whole reads an answer to its end; AWS's answers are short. The SDK closes a request's
// body as soon as an answer begins. With a server as near as the sandbox, that can
// interrupt the writing of the request, and close the connection before the rest of the
// answer is read. stop ends the request; it is called for answers that take too long.
func whole(resp *http.Response, stop func(error)) (*http.Response, error) {
	late := answerBound.tooLong()
	timer := time.AfterFunc(answerBound.total, func() { stop(late) })
	data, err := answerBound.read(resp.Body)
	inTime := timer.Stop()
	resp.Body.Close() //nolint:errcheck // it has been read, or is given up
	switch {
	case err != nil && !inTime:
		return nil, late
	case isBound(err):
		return nil, err
	}
	var rest io.Reader = bytes.NewReader(data)
	if err != nil {
		rest = io.MultiReader(rest, failing{err})
	}
	resp.Body = io.NopCloser(rest)
	return resp, nil
}

// failing is a reader that returns an error.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func (l *lazyTransport) prepare() {
	l.base.TLSClientConfig, l.err = l.how.config()
}

// config reads the certificates that are trusted. The error is a *BundleError.
func (t trust) config() (*tls.Config, error) {
	config := &tls.Config{InsecureSkipVerify: t.skip, MinVersion: tls.VersionTLS12}
	if t.bundle == "" || t.skip {
		return config, nil
	}
	data, err := bundleBound.readFile(t.bundle)
	if err != nil {
		return nil, &BundleError{nettext.Of(err)}
	}
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM(data) {
		return nil, &BundleError{"[X509] no certificate or crl found"}
	}
	return config, nil
}

// proxy returns the proxy for a request by Python's rules: the variables in lower or
// upper case, and no exception for the loopback interface. Data channels have the same
// rule, so that NO_PROXY has the forms of both.
func (t *transports) proxy(req *http.Request) (*url.URL, error) {
	scheme := strings.ToLower(req.URL.Scheme)
	proxy := t.eitherCase(scheme + "_proxy")
	if proxy == "" || t.bypass(req.URL) {
		return nil, nil
	}
	if !strings.Contains(proxy, "://") {
		proxy = "http://" + proxy
	}
	u, err := url.Parse(proxy)
	if err != nil { // the error quotes the URL, perhaps with a password
		return nil, fmt.Errorf("%s_PROXY is not the URL of a proxy", strings.ToUpper(scheme))
	}
	return u, nil
}

func (t *transports) eitherCase(key string) string {
	if v, ok := t.env.lookup(key); ok {
		return v
	}
	return t.env.get(strings.ToUpper(key))
}

func (t *transports) bypass(u *url.URL) bool {
	list := t.eitherCase("no_proxy")
	if strings.TrimSpace(list) == "*" {
		return true
	}
	host, name := strings.ToLower(u.Host), strings.ToLower(u.Hostname())
	for entry := range strings.SplitSeq(list, ",") {
		entry = strings.ToLower(strings.TrimLeft(strings.TrimSpace(entry), "."))
		if entry == "" {
			continue
		}
		if name == entry || host == entry || strings.HasSuffix(name, "."+entry) || strings.HasSuffix(host, "."+entry) ||
			exempt(entry, u) {
			return true
		}
	}
	return false
}

// exempt reports whether an entry of NO_PROXY is for a URL in the forms that Go programs
// know, the official plugin among them, and Python does not: *.domain, a port, which is
// the scheme's if the URL has none, and a block of addresses.
func exempt(entry string, u *url.URL) bool {
	name := strings.ToLower(u.Hostname())
	if block, err := netip.ParsePrefix(entry); err == nil {
		addr, err := netip.ParseAddr(name)
		return err == nil && block.Contains(addr)
	}
	if host, port, err := net.SplitHostPort(entry); err == nil {
		if port != cmp.Or(u.Port(), map[string]string{"http": "80", "https": "443"}[strings.ToLower(u.Scheme)]) {
			return false
		}
		entry = strings.TrimPrefix(host, ".")
		if name == entry || strings.HasSuffix(name, "."+entry) {
			return true
		}
	}
	domain, ok := strings.CutPrefix(entry, "*.")
	return ok && strings.HasSuffix(name, "."+domain)
}
