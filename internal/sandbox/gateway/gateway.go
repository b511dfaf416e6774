package gateway

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"ssmguard/proxy"
)

// Errors of Resume and Terminate, to be mapped to those of the API.
var (
	// ErrNoSession: no session of that id was ever started, or it has ended.
	ErrNoSession = errors.New("gateway: no such session")
	// ErrRefused: RefuseResumes was set for this session.
	ErrRefused = errors.New("gateway: refused as told")
)

// DialFunc connects the agent to a port as seen from the instance; host is
// "localhost" for the instance itself.
type DialFunc func(ctx context.Context, host, port string) (net.Conn, error)

// DecryptFunc answers KMS Decrypt for the agent: the plaintext of a data key.
type DecryptFunc func(ctx context.Context, keyID string, cipherText []byte, encryptionContext map[string]string) ([]byte, error)

// Options of a Gateway. The zero value is a gateway on a free loopback port
// whose agent reaches loopback ports only and has no KMS.
type Options struct {
	Listener net.Listener                // a free port of 127.0.0.1 when nil
	Admit    func(r *http.Request) error // decides of each request before anything else; nil admits all
	Verify   func(r *http.Request) error // checks the signature of a signed upgrade request; nil accepts any
	MustSign bool                        // refuse upgrade requests that are not signed
	Decrypt  DecryptFunc                 // nil: encrypted sessions fail
	Dial     DialFunc                    // nil: Loopback
	Shell    []string                    // command of a shell session; /bin/sh when empty
	Env      []string                    // its environment; PATH, HOME and TERM when nil
	Log      *slog.Logger                // nil: silent
	// Configure changes the session that Open is about to start.
	Configure func(*SessionConfig)
	// OnEvent is called for each event, in order per session. It must not block.
	OnEvent func(Event)
}

// Gateway serves data channels on one listener. Make it with New, run Serve,
// and Close it. It is a proxy.Opener, so that it can stand for the whole API.
type Gateway struct {
	opt      Options
	listener net.Listener
	server   *http.Server
	ctx      context.Context
	stop     context.CancelFunc
	links    sync.WaitGroup

	mu       sync.Mutex
	sessions map[string]*Session
	order    []string
}

var _ proxy.Terminator = (*Gateway)(nil)

// New listens; connections are answered once Serve runs.
func New(opt Options) (*Gateway, error) {
	if opt.Dial == nil {
		opt.Dial = Loopback
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	if len(opt.Shell) == 0 {
		opt.Shell = []string{"/bin/sh"}
	}
	if opt.Env == nil {
		opt.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/", "TERM=xterm-256color"}
	}
	if opt.Listener == nil {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		opt.Listener = l
	}
	g := &Gateway{opt: opt, listener: opt.Listener, sessions: make(map[string]*Session)}
	g.ctx, g.stop = context.WithCancel(context.Background())
	g.server = &http.Server{Handler: g, ReadHeaderTimeout: 10 * time.Second}
	return g, nil
}

// goodbye is how long clients may take to read that their channels are closed.
const goodbye = 300 * time.Millisecond

// Addr is the listener's host:port.
func (g *Gateway) Addr() string { return g.listener.Addr().String() }

// Serve answers connections until ctx ends or Close is called, then returns nil.
func (g *Gateway) Serve(ctx context.Context) error {
	undo := context.AfterFunc(ctx, func() { g.Close() })
	defer undo()
	if err := g.server.Serve(g.listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Close ends every session and returns when all of the gateway's goroutines have ended.
func (g *Gateway) Close() error {
	g.stop()
	err := g.server.Close()
	g.listener.Close()
	for _, s := range g.all() {
		s.end("gateway closed", "")
	}
	for _, s := range g.all() {
		<-s.Done()
		s.leave(goodbye)
	}
	g.links.Wait()
	return err
}

// Start begins a session as StartSession does: the result carries its id, a
// stream URL and a token that opens it once. The agent starts when the first
// client has connected.
func (g *Gateway) Start(_ context.Context, c SessionConfig) (*proxy.Session, error) {
	if g.ctx.Err() != nil {
		return nil, errors.New("gateway: closed")
	}
	if c.ID == "" {
		c.ID = newID()
	}
	s, err := newSession(g, c)
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, taken := g.sessions[c.ID]; taken {
		return nil, fmt.Errorf("gateway: session %s exists", c.ID)
	}
	g.sessions[c.ID] = s
	g.order = append(g.order, c.ID)
	return s.ticket(), nil
}

// Open starts the session that a specification asks for, with Document's
// reading of its document and Options.Configure applied.
func (g *Gateway) Open(ctx context.Context, spec proxy.Spec) (*proxy.Session, error) {
	c, err := Document(spec.Document, spec.Parameters)
	if err != nil {
		return nil, err
	}
	c.Target, c.Reason = spec.Target, spec.Reason
	if g.opt.Configure != nil {
		g.opt.Configure(&c)
	}
	s, err := g.Start(ctx, c)
	if err != nil {
		return nil, err
	}
	s.Spec = spec
	return s, nil
}

// Resume gives a fresh token, as ResumeSession does; the ones before it are void.
func (g *Gateway) Resume(_ context.Context, id string) (*proxy.Session, error) {
	s, ok := g.Session(id)
	if !ok || s.ended() {
		return nil, ErrNoSession
	}
	if s.refuse(&s.refuseResumes) {
		return nil, ErrRefused
	}
	return s.ticket(), nil
}

// Terminate ends a session as TerminateSession does: the client gets channel_closed.
// Ending an ended session is not an error.
func (g *Gateway) Terminate(_ context.Context, id string) error {
	s, ok := g.Session(id)
	if !ok {
		return ErrNoSession
	}
	s.end("terminated", "")
	return nil
}

// Session returns the session of that id, ended ones included.
func (g *Gateway) Session(id string) (*Session, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s, ok := g.sessions[id]
	return s, ok
}

// Sessions returns the status of all sessions, in the order of their start.
func (g *Gateway) Sessions() []Status {
	var out []Status
	for _, s := range g.all() {
		out = append(out, s.Status())
	}
	return out
}

func (g *Gateway) all() []*Session {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := make([]*Session, 0, len(g.order))
	for _, id := range g.order {
		out = append(out, g.sessions[id])
	}
	return slices.Clip(out)
}

// Loopback is a DialFunc for an instance without a network: it reaches this
// machine's loopback ports and nothing else.
func Loopback(ctx context.Context, host, port string) (net.Conn, error) {
	switch host {
	case "", "localhost", "127.0.0.1", "::1":
		if host != "::1" {
			host = "127.0.0.1"
		}
		return (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(host, port))
	}
	return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}}
}

var idText = base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)

// newID returns a session id of the form that AWS gives today.
func newID() string { return "sandbox-" + randomText(26) }

// randomText returns n random characters that need no quoting anywhere.
func randomText(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails
	return strings.ToLower(idText.EncodeToString(b))[:n]
}
