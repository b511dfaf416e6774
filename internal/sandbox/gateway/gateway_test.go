package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/websocket"

	"ssmguard/proxy"
	"ssmguard/proxy/channel/wire"
)

func TestShell(t *testing.T) {
	g := serve(t, Options{})
	p, s := start(t, g, SessionConfig{Kind: Shell})
	c := connect(t, p)
	awaitStatus(t, s, "ready", func(st Status) bool { return st.Ready })
	c.say(wire.PayloadSize, `{"cols":91,"rows":17}`)
	c.say(wire.PayloadOutput, "stty size; echo sum=$((20+22)) äöü\r")
	c.awaitOutput("17 91")
	c.awaitOutput("sum=42 äöü")
	c.say(wire.PayloadOutput, "exit\r")
	if out := c.awaitClosed(); out != "" {
		t.Errorf("output at the end: %q", out)
	}
	st := awaitDone(t, s)
	if st.State != Ended || st.Rows != 17 || st.Cols != 91 || st.Reason != "finished" {
		t.Errorf("status %+v", st)
	}
	if c.request != nil {
		t.Error("a shell needs no handshake")
	}
}

func TestControlCReachesTheShell(t *testing.T) {
	g := serve(t, Options{})
	p, _ := start(t, g, SessionConfig{Kind: InteractiveCommands, Properties: Properties{
		Linux: &Commands{Commands: `trap 'echo interrupted; exit' INT; echo go; while :; do read x; done`}}})
	c := connect(t, p)
	c.awaitOutput("go")
	c.say(wire.PayloadOutput, "\x03")
	c.awaitOutput("interrupted")
	c.awaitClosed()
}

// Input that is sent as soon as the handshake is complete is not acknowledged and lost,
// although the agent is not ready yet: it arrives when it is sent again.
func TestInputRightAfterTheHandshake(t *testing.T) {
	g := serve(t, Options{})
	p, s := start(t, g, SessionConfig{Kind: InteractiveCommands, Handshake: HandshakeAlways, Properties: Properties{
		Linux: &Commands{Commands: "read word; echo got $word"}}})
	c := &client{t: t, changed: make(chan struct{}), early: make(map[int64]wire.Frame), eager: "this\r"}
	c.again(p)
	c.await("handshake", func() bool { return c.complete != nil })
	awaitStatus(t, s, "ready", func(st Status) bool { return st.Ready })
	c.mu.Lock()
	c.seq-- // again
	c.mu.Unlock()
	c.say(wire.PayloadOutput, c.eager)
	c.awaitOutput("got this")
}

func TestCommandWithSeparateStreams(t *testing.T) {
	g := serve(t, Options{})
	p, _ := start(t, g, SessionConfig{Kind: NonInteractiveCommands, CustomerMessage: "hello", Properties: Properties{
		Linux: &Commands{Commands: "echo to out; echo to err >&2; exit 7", SeparateOutputStream: true}}})
	c := connect(t, p)
	c.awaitClosed()
	if c.out.String() != "to out\n" || c.err.String() != "to err\n" || c.exit != "EXIT_CODE: 7" {
		t.Errorf("out %q err %q exit %q", c.out.String(), c.err.String(), c.exit)
	}
	if c.complete == nil || c.complete.CustomerMessage != "hello" {
		t.Errorf("handshake complete: %+v", c.complete)
	}
}

func TestFailures(t *testing.T) {
	closedPort := closedPort(t)
	for name, tc := range map[string]struct {
		config SessionConfig
		output string
	}{
		"no command":       {SessionConfig{Kind: NonInteractiveCommands}, "Commands cannot be empty for session type NonInteractiveCommands"},
		"closed port":      {SessionConfig{Kind: Port, Properties: Properties{PortNumber: closedPort}}, "Unable to connect to specified port: dial tcp 127.0.0.1:" + closedPort},
		"unknown host":     {SessionConfig{Kind: Port, Properties: Properties{Host: "db.internal", PortNumber: "1"}}, "no such host"},
		"loopback":         {SessionConfig{Kind: Port, Properties: Properties{Type: localForwarding, Host: "localhost", PortNumber: closedPort}}, "Forwarding to IP address localhost is forbidden."},
		"loopback, mapped": {SessionConfig{Kind: Port, Properties: Properties{Host: "::ffff:127.0.0.2", PortNumber: closedPort}}, "Forwarding to IP address ::ffff:127.0.0.2 is forbidden."},
		"credentials":      {SessionConfig{Kind: Port, Properties: Properties{Type: localForwarding, Host: "169.254.170.23", PortNumber: "80"}}, "Forwarding to IP address 169.254.170.23 is forbidden."},
		"older, loopback":  {SessionConfig{Kind: Port, AgentVersion: "3.3.4624.0", Properties: Properties{Host: "127.0.0.1", PortNumber: closedPort}}, "Unable to connect to specified port: dial tcp 127.0.0.1:" + closedPort},
		"no kms":           {SessionConfig{Kind: Shell, KMSKeyID: "k"}, "fetching data key failed"},
		"old mux, closed":  {SessionConfig{Kind: Port, AgentVersion: "3.0.0.0", Properties: Properties{Type: localForwarding, PortNumber: closedPort}}, "Unable to connect"},
	} {
		t.Run(name, func(t *testing.T) {
			g := serve(t, Options{})
			p, s := start(t, g, tc.config)
			c := connect(t, p)
			if out := c.awaitClosed(); !strings.Contains(out, tc.output) {
				t.Errorf("output %q, want %q in it", out, tc.output)
			}
			awaitDone(t, s)
		})
	}
}

func TestTokens(t *testing.T) {
	g := serve(t, Options{})
	p, s := start(t, g, SessionConfig{Kind: Shell, TokenLife: time.Hour})
	refused := func(what string, p *proxy.Session, token string) {
		t.Helper()
		before := s.Status().Refused
		conn, err := dial(p, token)
		if err == nil {
			defer conn.Close()
			if _, _, err := conn.ReadMessage(); err == nil {
				t.Errorf("%s: not refused", what)
			}
		}
		awaitStatus(t, s, what, func(st Status) bool { return st.Refused == before+1 })
	}
	refused("wrong token", p, "x")
	connect(t, p)
	awaitStatus(t, s, "connected", func(st Status) bool { return st.State == Connected })
	refused("used token", p, p.Token.Reveal())
	r1, _ := g.Resume(t.Context(), p.ID)
	r2, err := g.Resume(t.Context(), p.ID)
	if err != nil || r1.Token.Reveal() == r2.Token.Reveal() {
		t.Fatalf("resume gives no fresh token: %v", err)
	}
	refused("overtaken token", r1, r1.Token.Reveal())
	s.ExpireToken()
	refused("expired token", r2, r2.Token.Reveal())
	s.RefuseConnects(1)
	r3, _ := g.Resume(t.Context(), p.ID)
	refused("as told", r3, r3.Token.Reveal())
	connect(t, r3)
	s.RefuseResumes(1)
	if _, err := g.Resume(t.Context(), p.ID); !errors.Is(err, ErrRefused) {
		t.Errorf("refused resume: %v", err)
	}
	if _, err := g.Resume(t.Context(), "other"); !errors.Is(err, ErrNoSession) {
		t.Errorf("resume of no session: %v", err)
	}
	g.Terminate(t.Context(), p.ID)
	awaitDone(t, s)
	if _, err := g.Resume(t.Context(), p.ID); !errors.Is(err, ErrNoSession) {
		t.Errorf("resume of an ended session: %v", err)
	}
}

func TestSignedUpgrade(t *testing.T) {
	bad := errors.New("bad signature")
	g := serve(t, Options{MustSign: true, Verify: func(r *http.Request) error {
		if !strings.HasSuffix(r.Header.Get("Authorization"), "Signature=good") {
			return bad
		}
		return nil
	}})
	p, s := start(t, g, SessionConfig{Kind: Shell})
	try := func(auth string) int {
		h := http.Header{}
		if auth != "" {
			h.Set("Authorization", auth)
		}
		conn, resp, err := websocket.DefaultDialer.Dial(p.StreamURL.Reveal(), h)
		if err != nil {
			return resp.StatusCode
		}
		defer conn.Close()
		conn.WriteJSON(wire.OpenRequest{Token: p.Token})
		awaitStatus(t, s, "connected", func(st Status) bool { return st.State == Connected })
		return resp.StatusCode
	}
	const v4 = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/eu-west-1/ssmmessages/aws4_request, SignedHeaders=host, Signature="
	got := []int{try(""), try(v4 + "bad"), try(v4 + "good")}
	if diff := cmp.Diff([]int{403, 403, 101}, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]Connect{{Signed: true, AccessKey: "AKIDEXAMPLE"}}, s.Status().Connects); diff != "" {
		t.Error(diff)
	}
}

func TestOpenIsStartSession(t *testing.T) {
	g := serve(t, Options{Configure: func(c *SessionConfig) { c.ID = "chosen" }})
	spec := proxy.Spec{Target: "i-1", Document: "AWS-StartPortForwardingSessionToRemoteHost", Parameters: map[string][]string{
		"host": {"db"}, "portNumber": {"5432"}, "localPortNumber": {"15432"}}}
	p, err := g.Open(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	s, _ := g.Session(p.ID)
	want := SessionConfig{ID: "chosen", Kind: Port, Target: "i-1", AgentVersion: "3.3.4851.0", Properties: Properties{
		Type: localForwarding, Host: "db", PortNumber: "5432", LocalPortNumber: "15432"}}
	got := s.cfg
	got.Dial = nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := g.Open(t.Context(), proxy.Spec{Document: "Mine"}); err == nil {
		t.Error("an unknown document was opened")
	}
}

func TestIdleTimeout(t *testing.T) {
	g := serve(t, Options{})
	p, s := start(t, g, SessionConfig{Kind: Shell, IdleTimeout: 50 * time.Millisecond})
	c := connect(t, p)
	if out := c.awaitClosed(); !strings.Contains(out, "inactivity") {
		t.Errorf("output %q", out)
	}
	if st := awaitDone(t, s); st.Reason != "idle timeout" {
		t.Errorf("status %+v", st)
	}
}

func TestCloseEndsEverything(t *testing.T) {
	echo := echoServer(t)
	g := serve(t, Options{})
	var all []*Session
	for _, c := range []SessionConfig{
		{Kind: Shell}, {Kind: NonInteractiveCommands, Properties: Properties{Linux: &Commands{Commands: "sleep 1000"}}},
		{Kind: Port, Properties: Properties{PortNumber: echo}}, {Kind: Port, Properties: Properties{PortNumber: echo, Type: localForwarding}},
		{Kind: Port, AgentVersion: "2.0.0.0", Properties: Properties{PortNumber: echo, Type: localForwarding}},
	} {
		p, s := start(t, g, c)
		connect(t, p)
		awaitStatus(t, s, "ready", func(st Status) bool { return st.Ready })
		all = append(all, s)
	}
	_, never := start(t, g, SessionConfig{Kind: Shell})
	g.Close()
	for _, s := range append(all, never) {
		if st := awaitDone(t, s); st.State != Ended || st.Streams != 0 {
			t.Errorf("after Close: %+v", st)
		}
	}
	if _, err := g.Start(t.Context(), SessionConfig{Kind: Shell}); err == nil {
		t.Error("a closed gateway starts sessions")
	}
}

func TestServeEndsWithItsContext(t *testing.T) {
	g, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- g.Serve(ctx) }()
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
	}
	g.Close()
}

// closedPort returns a loopback port on which nobody listens, nor can as long as the
// test runs: it is the near end of a connection.
func closedPort(t *testing.T) string {
	t.Helper()
	conn, err := net.Dial("tcp", "127.0.0.1:"+echoServer(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return fmt.Sprint(conn.LocalAddr().(*net.TCPAddr).Port)
}

func port(l net.Listener) string { return fmt.Sprint(l.Addr().(*net.TCPAddr).Port) }

// echoServer returns the port of a server that sends back what it gets.
func echoServer(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer conn.Close(); io.Copy(conn, conn) }()
		}
	}()
	return port(l)
}
