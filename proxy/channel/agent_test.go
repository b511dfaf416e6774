package channel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"ssmguard/proxy"
	"ssmguard/proxy/channel/wire"
)

// pipes is a network in memory, so that tests run inside synctest bubbles.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error { p.once.Do(func() { close(p.done) }); return nil }

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- far:
		return near, nil
	case <-p.done:
		return nil, errors.New("connection refused")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// scripted is a message gateway whose every word the test says.
type scripted struct {
	t      *testing.T
	net    *pipes
	server http.Server
	peers  chan *peer
	mu     sync.Mutex
	status int  // refuses the upgrade with it, if not 0
	deaf   bool // peers are
	header []http.Header
}

// peer is one websocket connection, seen from the gateway.
type peer struct {
	t    *testing.T
	ws   *websocket.Conn
	open wire.OpenRequest
	in   chan wire.Frame // what the client sent
	gone chan struct{}
	deaf atomic.Bool  // pings go unanswered
	acks []wire.Frame // that came while next waited for something else
}

func newScripted(t *testing.T) *scripted {
	s := &scripted{t: t, net: newPipes(), peers: make(chan *peer, 16)}
	s.server.Handler = http.HandlerFunc(s.serve)
	go s.server.Serve(s.net) //nolint:errcheck // ends with the test
	t.Cleanup(func() { s.net.Close(); s.server.Close() })
	return s
}

func (s *scripted) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	status, deaf := s.status, s.deaf
	s.header = append(s.header, r.Header.Clone())
	s.mu.Unlock()
	if status != 0 {
		w.WriteHeader(status)
		return
	}
	up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	ws, err := up.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer ws.Close()
	p := &peer{t: s.t, ws: ws, in: make(chan wire.Frame, 10000), gone: make(chan struct{})}
	defer close(p.gone)
	p.deaf.Store(deaf)
	pong := ws.PingHandler()
	ws.SetPingHandler(func(data string) error {
		if p.deaf.Load() {
			return nil
		}
		return pong(data)
	})
	if err := ws.ReadJSON(&p.open); err != nil {
		return
	}
	select {
	case s.peers <- p:
	case <-s.net.done:
		return
	}
	for {
		kind, b, err := ws.ReadMessage()
		if err != nil {
			return
		}
		var f wire.Frame
		if kind != websocket.BinaryMessage || f.Decode(b) != nil || f.Verify() != nil {
			s.t.Errorf("client sent a bad message: %d %q", kind, b)
			return
		}
		p.in <- f
	}
}

// refuse answers upgrades with status from now on; 0 stops that.
func (s *scripted) refuse(status int) {
	s.mu.Lock()
	s.status = status
	s.mu.Unlock()
}

// options are those to dial s.
func (s *scripted) options() Options {
	tokens := 0
	return Options{
		Session: &proxy.Session{ID: "sess-1", StreamURL: proxy.NewSecret("ws://mgs.test/v1/data-channel/sess-1?role=publish_subscribe"),
			Token: proxy.NewSecret("token-0"), Spec: proxy.Spec{Target: "i-1"}},
		DialContext: s.net.dial,
		Resume: func(context.Context, string) (proxy.Secret, proxy.Secret, error) {
			tokens++
			return proxy.Secret{}, proxy.NewSecret(fmt.Sprintf("token-%d", tokens)), nil
		},
	}
}

// peer waits for the next connection of the client.
func (s *scripted) peer() *peer {
	s.t.Helper()
	select {
	case p := <-s.peers:
		return p
	case <-time.After(time.Minute):
		s.t.Fatal("the client did not connect")
		return nil
	}
}

// send sends a frame. The client may have left, but has to read if it has not: a
// pipe holds nothing, and made-up time would go on for ever.
func (p *peer) send(f wire.Frame) {
	f.Created, f.ID = uint64(time.Now().UnixMilli()), wire.NewUUID()
	p.ws.SetWriteDeadline(time.Now().Add(time.Minute)) //nolint:errcheck // it never fails
	if err := p.ws.WriteMessage(websocket.BinaryMessage, f.Append(nil)); isTimeout(err) {
		p.t.Errorf("the client does not read: %v", err)
	}
}

func (p *peer) output(seq int64, kind wire.PayloadType, payload []byte) {
	p.send(wire.Frame{Type: wire.OutputStreamData, Seq: seq, PayloadType: kind, Payload: payload})
}

func (p *peer) json(seq int64, kind wire.PayloadType, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		p.t.Error(err)
	}
	p.output(seq, kind, b)
}

func (p *peer) ack(f wire.Frame) {
	p.send(wire.Frame{Type: wire.Acknowledge, Flags: wire.FrameSyn | wire.FrameFin, Payload: wire.AppendAck(nil, f.Type, f.ID, f.Seq)})
}

func (p *peer) closed(output string) {
	b, _ := json.Marshal(wire.Closed{SessionID: "sess-1", Output: output})
	p.send(wire.Frame{Type: wire.ChannelClosed, Payload: b})
}

// next returns the client's next message of a type, and throws others away, but
// keeps acknowledgements for acked: one may come just before what is waited for.
func (p *peer) next(t wire.MessageType) wire.Frame {
	p.t.Helper()
	timeout := time.After(time.Minute)
	for {
		select {
		case f := <-p.in:
			if f.Type == t {
				return f
			}
			if f.Type == wire.Acknowledge {
				p.acks = append(p.acks, f)
			}
		case <-timeout:
			p.t.Fatalf("no %s from the client", t)
		}
	}
}

// acked returns the number of the next message that the client acknowledges.
func (p *peer) acked() int64 {
	p.t.Helper()
	var f wire.Frame
	if len(p.acks) > 0 {
		f, p.acks = p.acks[0], p.acks[1:]
	} else {
		f = p.next(wire.Acknowledge)
	}
	a, err := wire.ParseAck(f.Payload)
	if err != nil {
		p.t.Error(err)
	}
	return a.Seq
}

// none fails if the client sends a message of the type within d.
func (p *peer) none(t wire.MessageType, d time.Duration) {
	p.t.Helper()
	timeout := time.After(d)
	for {
		select {
		case f := <-p.in:
			if f.Type == t {
				p.t.Errorf("unexpected %s, number %d: %q", t, f.Seq, f.Payload)
			}
		case <-timeout:
			return
		}
	}
}

// request is the handshake request of a session.
func request(version, sessionType, properties string) wire.HandshakeRequest {
	params := fmt.Sprintf(`{"SessionType":%q,"Properties":%s}`, sessionType, properties)
	return wire.HandshakeRequest{AgentVersion: version, RequestedClientActions: []wire.RequestedAction{
		{ActionType: wire.ActionSessionType, ActionParameters: json.RawMessage(params)},
	}}
}

const (
	newAgent   = "3.3.0.0"
	basicAgent = "3.0.100.0"
	portProps  = `{"portNumber":"5432","type":"LocalPortForwarding"}`
)

// shakeHands does the agent's part with messages 0 and 1 and returns the client's response.
func (p *peer) shakeHands(r wire.HandshakeRequest) wire.HandshakeResponse {
	p.t.Helper()
	p.json(0, wire.PayloadHandshakeRequest, r)
	f := p.next(wire.InputStreamData)
	var response wire.HandshakeResponse
	if err := json.Unmarshal(f.Payload, &response); err != nil || f.PayloadType != wire.PayloadHandshakeResponse {
		p.t.Errorf("handshake response: type %d, %v: %q", f.PayloadType, err, f.Payload)
	}
	p.ack(f)
	p.json(1, wire.PayloadHandshakeComplete, wire.HandshakeComplete{HandshakeTimeToComplete: time.Second})
	return response
}

// dialed opens a channel of the given kind against a scripted gateway.
func dialed(t *testing.T, s *scripted, opt Options, r wire.HandshakeRequest) (*Channel, *peer) {
	t.Helper()
	type result struct {
		c   *Channel
		err error
	}
	done := make(chan result, 1)
	go func() {
		c, err := Dial(t.Context(), opt)
		done <- result{c, err}
	}()
	p := s.peer()
	p.shakeHands(r)
	got := <-done
	if got.err != nil {
		t.Fatal(got.err)
	}
	t.Cleanup(func() { got.c.Close() })
	return got.c, p
}
