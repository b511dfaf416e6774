package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"ssmguard/proxy"
	"ssmguard/proxy/channel/wire"
)

// patience is the time limit of every wait; a busy machine may need nearly all of it.
const patience = 2 * time.Minute

// client is the least that can talk to a gateway: it acknowledges everything,
// answers handshakes, and keeps what it is told in order.
type client struct {
	t    *testing.T
	conn *websocket.Conn

	mu       sync.Mutex
	changed  chan struct{}
	out, err bytes.Buffer
	exit     string
	flags    []wire.Flag
	request  *wire.HandshakeRequest
	complete *wire.HandshakeComplete
	closed   *wire.Closed
	gone     bool
	raw      []wire.Frame // everything received
	silent   bool         // acknowledges nothing
	eager    string       // sent as soon as the handshake is complete
	seq      int64
	expected int64
	early    map[int64]wire.Frame
}

func serve(t *testing.T, opt Options) *Gateway {
	t.Helper()
	g, err := New(opt)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- g.Serve(context.Background()) }()
	t.Cleanup(func() {
		g.Close()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return g
}

func start(t *testing.T, g *Gateway, c SessionConfig) (*proxy.Session, *Session) {
	t.Helper()
	p, err := g.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	s, _ := g.Session(p.ID)
	return p, s
}

func dial(p *proxy.Session, token string) (*websocket.Conn, error) {
	conn, resp, err := websocket.DefaultDialer.Dial(p.StreamURL.Reveal(), nil)
	if err != nil {
		if resp != nil {
			resp.Body.Close()
		}
		return nil, err
	}
	b, _ := json.Marshal(wire.OpenRequest{RequestID: wire.NewUUID().String(), Token: proxy.NewSecret(token), ClientID: "c", ClientVersion: "1.3.0.0"})
	return conn, conn.WriteMessage(websocket.TextMessage, b)
}

func connect(t *testing.T, p *proxy.Session) *client {
	t.Helper()
	c := &client{t: t, changed: make(chan struct{}), early: make(map[int64]wire.Frame)}
	c.again(p)
	return c
}

// again (re)connects with the ticket's token.
func (c *client) again(p *proxy.Session) {
	c.t.Helper()
	conn, err := dial(p, p.Token.Reveal())
	if err != nil {
		c.t.Fatal(err)
	}
	c.mu.Lock()
	c.conn, c.gone = conn, false
	c.mu.Unlock()
	read := make(chan struct{})
	go func() { defer close(read); c.read(conn) }()
	c.t.Cleanup(func() { conn.Close(); <-read })
}

func (c *client) read(conn *websocket.Conn) {
	for {
		_, raw, err := conn.ReadMessage()
		c.mu.Lock()
		if err != nil {
			c.gone = true
		} else {
			var f wire.Frame
			if err := f.Decode(raw); err != nil {
				c.t.Errorf("from the gateway: %v", err)
			} else if f.Verify() == nil {
				c.take(conn, f)
			}
		}
		close(c.changed)
		c.changed = make(chan struct{})
		c.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (c *client) take(conn *websocket.Conn, f wire.Frame) {
	c.raw = append(c.raw, f)
	switch f.Type {
	case wire.ChannelClosed:
		c.closed = new(wire.Closed)
		json.Unmarshal(f.Payload, c.closed)
	case wire.OutputStreamData:
		if c.silent {
			return
		}
		c.send(conn, wire.Frame{Type: wire.Acknowledge, ID: wire.NewUUID(), Payload: wire.AppendAck(nil, f.Type, f.ID, f.Seq)})
		if f.Seq >= c.expected {
			c.early[f.Seq] = f
		}
		for {
			f, ok := c.early[c.expected]
			if !ok {
				return
			}
			delete(c.early, c.expected)
			c.expected++
			c.process(conn, f)
		}
	}
}

func (c *client) process(conn *websocket.Conn, f wire.Frame) {
	switch f.PayloadType {
	case wire.PayloadOutput:
		c.out.Write(f.Payload)
	case wire.PayloadStdErr:
		c.err.Write(f.Payload)
	case wire.PayloadExitCode:
		c.exit = string(f.Payload)
	case wire.PayloadFlag:
		flag, _ := wire.ParseFlag(f.Payload)
		c.flags = append(c.flags, flag)
	case wire.PayloadHandshakeRequest:
		c.request = new(wire.HandshakeRequest)
		json.Unmarshal(f.Payload, c.request)
		r := wire.HandshakeResponse{ClientVersion: "1.3.0.0"}
		for _, a := range c.request.RequestedClientActions {
			r.ProcessedClientActions = append(r.ProcessedClientActions, wire.ProcessedAction{ActionType: a.ActionType, ActionStatus: wire.ActionSuccess})
		}
		c.input(conn, wire.PayloadHandshakeResponse, toJSON(r))
	case wire.PayloadHandshakeComplete:
		c.complete = new(wire.HandshakeComplete)
		json.Unmarshal(f.Payload, c.complete)
		if c.eager != "" {
			c.input(conn, wire.PayloadOutput, []byte(c.eager))
		}
	}
}

func (c *client) send(conn *websocket.Conn, f wire.Frame) {
	f.Created = uint64(time.Now().UnixMilli())
	conn.WriteMessage(websocket.BinaryMessage, f.Append(nil))
}

func (c *client) input(conn *websocket.Conn, t wire.PayloadType, p []byte) {
	c.send(conn, wire.Frame{Type: wire.InputStreamData, Seq: c.seq, ID: wire.NewUUID(), PayloadType: t, Payload: p})
	c.seq++
}

// say sends one payload.
func (c *client) say(t wire.PayloadType, p string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.input(c.conn, t, []byte(p))
}

// await waits until ok, called under the lock, holds.
func (c *client) await(what string, ok func() bool) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	for {
		c.mu.Lock()
		if ok() {
			c.mu.Unlock()
			return
		}
		changed := c.changed
		c.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			c.mu.Lock()
			defer c.mu.Unlock()
			c.t.Fatalf("waiting for %s: out %q, err %q, exit %q, closed %+v, gone %v, %d frames",
				what, c.out.String(), c.err.String(), c.exit, c.closed, c.gone, len(c.raw))
		}
	}
}

func (c *client) awaitOutput(part string) {
	c.t.Helper()
	c.await("output "+part, func() bool { return bytes.Contains(c.out.Bytes(), []byte(part)) })
}

func (c *client) awaitClosed() string {
	c.t.Helper()
	c.await("channel_closed", func() bool { return c.closed != nil })
	return c.closed.Output
}

func awaitStatus(t *testing.T, s *Session, what string, ok func(Status) bool) Status {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	st, err := s.Await(ctx, ok)
	if err != nil {
		t.Fatalf("waiting for %s: %+v", what, st)
	}
	return st
}

func awaitDone(t *testing.T, s *Session) Status {
	t.Helper()
	select {
	case <-s.Done():
	case <-time.After(20 * time.Second):
		t.Fatalf("the session did not end: %+v", s.Status())
	}
	return s.Status()
}
