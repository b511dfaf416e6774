package channel_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"ssmguard/internal/sandbox/gateway"
	"ssmguard/proxy"
	"ssmguard/proxy/channel"
)

// patience bounds every wait for what has to come. It is no measure of how fast
// that is: a machine that is busy with something else may take nearly all of it.
const patience = 2 * time.Minute

// rig is a gateway, a session on it, our channel to that, and a local port.
type rig struct {
	serverLeaves func() // of busyRig: ends the server that reads nothing
	t            testing.TB
	g            *gateway.Gateway
	s            *gateway.Session // the last one that was started
	c            *channel.Channel
	in           *channel.Inlet
	forward      chan error
	cancel       context.CancelFunc

	mu     sync.Mutex
	events []channel.Event
}

// config is a session that forwards to a server of the test. Its agent keeps no pace: what
// is to be seen here is our client at its fastest.
func config(server net.Listener) gateway.SessionConfig {
	_, port, _ := net.SplitHostPort(server.Addr().String())
	return toPort(port)
}

func toPort(port string) gateway.SessionConfig {
	return gateway.SessionConfig{Kind: gateway.Port, Target: "i-1", Unpaced: true,
		Properties: gateway.Properties{Type: "LocalPortForwarding", PortNumber: port}}
}

func serve(t testing.TB) *gateway.Gateway {
	t.Helper()
	return serveWith(t, gateway.Options{})
}

func serveWith(t testing.TB, o gateway.Options) *gateway.Gateway {
	t.Helper()
	g, err := gateway.New(o)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- g.Serve(context.Background()) }()
	t.Cleanup(func() {
		g.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return g
}

// newRig opens a channel for a session; edit may change its options.
func newRig(t testing.TB, c gateway.SessionConfig, edit func(*channel.Options)) *rig {
	t.Helper()
	r := &rig{t: t, g: serve(t), forward: make(chan error, 1)}
	var err error
	if r.c, err = r.dial(c, edit); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.in = channel.NewInlet(l)
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	go func() { r.forward <- r.c.Forward(ctx, r.in, channel.ForwardOptions{}) }()
	t.Cleanup(func() {
		cancel()
		<-r.forward
		r.in.Close()
		r.c.Close()
	})
	return r
}

// dial starts a session and opens a channel to it.
func (r *rig) dial(c gateway.SessionConfig, edit func(*channel.Options)) (*channel.Channel, error) {
	r.t.Helper()
	session, err := r.g.Start(context.Background(), c)
	if err != nil {
		r.t.Fatal(err)
	}
	session.Spec.Target = c.Target
	r.mu.Lock()
	r.s, _ = r.g.Session(session.ID)
	r.mu.Unlock()
	// A connection that rests while the machine is busy is not a lost one.
	opt := channel.Options{Session: session, Resume: resume(r.g), OnEvent: r.note, OpenTimeout: patience, Limits: channel.Limits{Silence: patience}}
	if edit != nil {
		edit(&opt)
	}
	return channel.Dial(context.Background(), opt)
}

func resume(g *gateway.Gateway) func(context.Context, string) (proxy.Secret, proxy.Secret, error) {
	return func(ctx context.Context, id string) (proxy.Secret, proxy.Secret, error) {
		s, err := g.Resume(ctx, id)
		switch {
		case errors.Is(err, gateway.ErrNoSession):
			return proxy.Secret{}, proxy.Secret{}, fmt.Errorf("%w: %w", channel.ErrSessionGone, err)
		case err != nil:
			return proxy.Secret{}, proxy.Secret{}, err
		}
		return s.StreamURL, s.Token, nil
	}
}

func (r *rig) note(e channel.Event) {
	r.mu.Lock()
	r.events = append(r.events, e)
	r.mu.Unlock()
}

// first is the first event of a kind, a zero one if there is none.
func (r *rig) first(k channel.EventKind) channel.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.events {
		if e.Kind == k {
			return e
		}
	}
	return channel.Event{}
}

// seen counts the events of a kind.
func (r *rig) seen(k channel.EventKind) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, e := range r.events {
		if e.Kind == k {
			n++
		}
	}
	return n
}

// connect opens a local connection.
func (r *rig) connect() *net.TCPConn {
	r.t.Helper()
	conn, err := net.Dial("tcp", r.in.Addr().String())
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { conn.Close() })
	return conn.(*net.TCPConn)
}

// resets fails unless the local port accepts a connection and resets it without a
// byte, which may come as early as in Dial.
func (r *rig) resets() {
	r.t.Helper()
	conn, err := net.Dial("tcp", r.in.Addr().String())
	if err == nil {
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(patience)) //nolint:errcheck // the read fails then
		var n int
		if n, err = conn.Read(make([]byte, 1)); n > 0 {
			r.t.Errorf("read %d bytes, want a reset", n)
		}
	}
	if !errors.Is(err, syscall.ECONNRESET) {
		r.t.Errorf("%v, want a reset", err)
	}
}

// listen runs a server that handles each connection with handle.
func listen(t testing.TB, handle func(*net.TCPConn)) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	conns := map[net.Conn]bool{}
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns[conn] = true
			mu.Unlock()
			wg.Go(func() {
				defer conn.Close()
				handle(conn.(*net.TCPConn))
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for c := range conns {
			c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return l
}

// closedPort is the session that forwards to a port on which nobody listens, nor
// can as long as the test runs: it is the near end of a connection.
func closedPort(t testing.TB) gateway.SessionConfig {
	t.Helper()
	conn, err := net.Dial("tcp", listen(t, func(c *net.TCPConn) { io.Copy(io.Discard, c) }).Addr().String()) //nolint:errcheck // until the test ends
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_, port, _ := net.SplitHostPort(conn.LocalAddr().String())
	return toPort(port)
}

// echoes sends back what it gets, and closes at the end of it.
func echoes(c *net.TCPConn) { io.Copy(c, c) } //nolint:errcheck // the test sees what is missing

// TestMain fails if, once every test has cleaned up, something of ours still runs.
func TestMain(m *testing.M) {
	if actAsCarrier() {
		return
	}
	flag.Parse()
	code := m.Run()
	if left := leftBehind(); code == 0 && left != "" {
		fmt.Fprintf(os.Stderr, "goroutines left:\n%s", left)
		code = 1
	}
	os.Exit(code)
}

// leftBehind returns the goroutines of ours that still run; they may end
// shortly after what waits for them.
func leftBehind() (left string) {
	for limit := time.Now().Add(patience); time.Now().Before(limit); <-time.After(5 * time.Millisecond) {
		buf := make([]byte, 1<<20)
		buf = buf[:runtime.Stack(buf, true)]
		left = ""
		for g := range strings.SplitSeq(string(buf), "\n\n") {
			if strings.Contains(g, "ssmguard/proxy/channel.") && !strings.Contains(g, "leftBehind") {
				left += g + "\n\n"
			}
		}
		if left == "" {
			return ""
		}
	}
	return left
}

func noise(seed uint64, n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), 1})
	r.Read(b) //nolint:errcheck // never fails
	return b
}

// roundTrip sends n bytes to an echo and compares what comes back.
func roundTrip(conn net.Conn, seed uint64, n int) error {
	return roundTripWithin(conn, seed, n, patience)
}

func roundTripWithin(conn net.Conn, seed uint64, n int, limit time.Duration) error {
	want := noise(seed, n)
	conn.SetDeadline(time.Now().Add(limit)) //nolint:errcheck // the read fails then
	sent := make(chan error, 1)
	go func() {
		_, err := conn.Write(want)
		sent <- err
	}()
	got := make([]byte, n)
	k, err := io.ReadFull(conn, got)
	if err != nil {
		conn.Close()
		return fmt.Errorf("after %d of %d bytes: %w, sending: %v", k, n, err, <-sent)
	}
	if err := <-sent; err != nil {
		return err
	}
	if sha256.Sum256(got) != sha256.Sum256(want) {
		for i := range got {
			if got[i] != want[i] {
				return fmt.Errorf("bytes differ from %d of %d on", i, n)
			}
		}
	}
	return nil
}
