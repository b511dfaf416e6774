package gateway

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"ssmguard/proxy/channel/wire"
)

const (
	dataChannelPath = "/v1/data-channel/"
	firstMessage    = 10 * time.Second // how long a client may take to send its token
	lastMessage     = 30 * time.Second // how long it may take to leave after channel_closed
	// sendQueue is how many bytes may be on their way to a client. A reset loses them, and
	// the agent needs a tenth of a second for each message.
	sendQueue = 32 << 10
)

var upgrader = websocket.Upgrader{ReadBufferSize: 32 << 10, WriteBufferSize: 32 << 10}

// link is one websocket of a session.
type link struct {
	s     *Session
	conn  *websocket.Conn
	write sync.Mutex
	stall atomic.Bool
}

// ServeHTTP accepts data channels, so that a gateway can also be mounted in another server.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.links.Add(1)
	defer g.links.Done()
	if g.opt.Admit != nil {
		if err := g.opt.Admit(r); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
	}
	id, ok := strings.CutPrefix(r.URL.Path, dataChannelPath)
	s, known := g.Session(id)
	if !ok || !known {
		http.Error(w, "no such data channel", http.StatusNotFound)
		return
	}
	con, err := g.admit(s, r)
	if err != nil {
		s.refused(err)
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	}
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		s.refused(err)
		return
	}
	l := &link{s: s, conn: conn}
	defer conn.Close()
	if c, ok := conn.NetConn().(interface{ SetWriteBuffer(int) error }); ok {
		c.SetWriteBuffer(sendQueue) //nolint:errcheck // only a cut would lose more
	}
	if err := l.open(&con); err != nil {
		s.refused(err)
		l.cut(CutFrame)
		return
	}
	l.read()
	conn.Close() // unblocks a writer
	s.detach(l)
}

// admit decides about an upgrade request.
func (g *Gateway) admit(s *Session, r *http.Request) (Connect, error) {
	var con Connect
	rest, signed := strings.CutPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ")
	if signed {
		_, cred, _ := strings.Cut(rest, "Credential=")
		con.Signed = true
		con.AccessKey, _, _ = strings.Cut(cred, "/")
	}
	switch {
	case s.refuse(&s.refuseConnects):
		return con, ErrRefused
	case s.ended():
		return con, ErrNoSession
	case r.URL.Query().Get("role") != "publish_subscribe":
		return con, errors.New("gateway: the role must be publish_subscribe")
	case !signed && g.opt.MustSign:
		return con, errors.New("gateway: the request is not signed")
	case signed && g.opt.Verify != nil:
		return con, g.opt.Verify(r)
	}
	return con, nil
}

func (s *Session) refused(err error) {
	s.update(func(st *Status) { st.Refused++ })
	s.tell("refused", err.Error())
}

// open takes the first message and makes this link the session's.
func (l *link) open(con *Connect) error {
	l.conn.SetReadDeadline(time.Now().Add(firstMessage))
	kind, raw, err := l.conn.ReadMessage()
	if err != nil {
		return err
	}
	var open wire.OpenRequest
	if kind != websocket.TextMessage || json.Unmarshal(raw, &open) != nil {
		return errors.New("gateway: the first message is no OpenDataChannel")
	}
	if err := l.s.redeem(open.Token.Reveal()); err != nil {
		return err
	}
	l.conn.SetReadDeadline(time.Time{})
	pong := l.conn.PingHandler()
	l.conn.SetPingHandler(func(data string) error {
		if l.stall.Load() {
			return nil
		}
		return pong(data)
	})
	l.s.attach(l, *con, open.ClientVersion)
	return nil
}

// attach makes l the session's only link, and starts the agent for the first one.
func (s *Session) attach(l *link, con Connect, version string) {
	s.switching.Lock()
	defer s.switching.Unlock()
	s.mu.Lock()
	old := s.link
	s.link = l
	ending := s.ending
	s.mu.Unlock()
	if old != nil {
		old.cut(CutFIN)
	}
	if ending {
		l.leave(lastMessage)
		return
	}
	s.update(func(st *Status) {
		st.State, st.ClientVersion = Connected, version
		st.Connects = append(st.Connects, con)
	})
	s.tell("connected", version)
	s.agent.start()
	s.agent.out.publish(true)
}

// detach removes l; without a client the agent stops publishing.
func (s *Session) detach(l *link) {
	s.switching.Lock()
	defer s.switching.Unlock()
	s.mu.Lock()
	mine := s.link == l
	if mine {
		s.link = nil
	}
	over := s.ending
	s.mu.Unlock()
	if !mine || over {
		return
	}
	s.agent.out.publish(false)
	s.update(func(st *Status) {
		if st.State == Connected {
			st.State = Disconnected
		}
	})
	s.tell("lost", "")
}

// read passes the client's messages to the agent until the link is gone.
func (l *link) read() {
	for {
		kind, raw, err := l.conn.ReadMessage()
		if err != nil {
			return
		}
		if kind != websocket.BinaryMessage || l.stall.Load() {
			continue
		}
		m, err := parse(raw)
		if err != nil {
			l.s.tell("garbled", err.Error())
			continue
		}
		l.s.count(Up, m)
		l.s.up.pass(m, l.s.queue.take, l.act)
	}
}

// transmit sends a message to the client. Without a client the message is lost, as with
// a real client that is disconnected.
func (s *Session) transmit(m *message) {
	l := s.current()
	if l == nil || l.stall.Load() {
		return
	}
	s.count(Down, m)
	s.down.pass(m, l.send, l.act)
}

func (s *Session) count(way Way, m *message) {
	s.update(func(st *Status) {
		t := &st.Up
		if way == Down {
			t = &st.Down
		}
		t.Messages++
		if m.Type == wire.Acknowledge {
			t.Acks++
		}
	})
}

// send writes one frame. A failure needs no answer: the reader sees it too.
func (l *link) send(m *message) {
	l.write.Lock()
	defer l.write.Unlock()
	if !l.stall.Load() {
		l.conn.WriteMessage(websocket.BinaryMessage, m.raw)
	}
}

// act carries out a fault that a rule asks for.
func (l *link) act(a Action) {
	if a == Close {
		l.s.end("closed by a rule", "")
		return
	}
	l.cut(a)
}

// brokenFrame begins a binary message of 4096 bytes and holds three of them.
const brokenFrame = "\x82\x7e\x10\x00\x01\x02\x03"

// cut breaks the connection in one of the ways of breaking.
func (l *link) cut(how Action) {
	switch how {
	case Stall:
		l.stall.Store(true)
		return
	case CutFrame:
		l.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseGoingAway, ""), time.Now().Add(time.Second))
	case CutBroken:
		l.conn.NetConn().SetWriteDeadline(time.Now().Add(time.Second))
		l.conn.NetConn().Write([]byte(brokenFrame))
	case CutRST:
		if tcp, ok := l.conn.NetConn().(*net.TCPConn); ok {
			tcp.SetLinger(0)
		}
	}
	l.conn.Close()
}

// leave gives the client time to read the messages under way and to disconnect.
func (l *link) leave(d time.Duration) {
	l.conn.NetConn().SetDeadline(time.Now().Add(d))
}
