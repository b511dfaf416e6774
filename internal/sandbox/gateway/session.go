package gateway

import (
	"context"
	"crypto/subtle"
	"errors"
	"sync"
	"time"

	"ssmguard/proxy"
	"ssmguard/proxy/channel/wire"
)

// SessionConfig is a session as StartSession and its document describe it, and
// how its agent and its network behave.
type SessionConfig struct {
	ID              string // a new one when empty
	Kind            Kind
	Properties      Properties
	Target, Reason  string
	AgentVersion    string // currentAgent when empty; old versions know no multiplexing
	CustomerMessage string // shown by the client after the handshake
	KMSKeyID        string // not empty: the session is encrypted
	Handshake       Handshake
	// Unpaced frees the agent of the real one's pace, 1 ms after each message of at most
	// 1024 bytes and 1 s before a shell says anything: for who measures a client.
	Unpaced     bool
	IdleTimeout time.Duration // 0: none. Counted from the last payload in either direction
	TokenLife   time.Duration // 0: a token does not expire before it is used
	Dial        DialFunc      // nil: the gateway's
	Faults      Faults
	Police      Police // of the messages from client to agent
}

// Handshake says when the agent shakes hands before the session starts.
type Handshake int

// Agent 3.3 shakes hands for ports, non-interactive commands and encrypted
// sessions; its predecessors did always, the first ones never.
const (
	HandshakeAuto Handshake = iota
	HandshakeAlways
	HandshakeNever
)

// State is the state of a session.
type State string

// The states of a session.
const (
	Waiting      State = "waiting"      // started, no client yet
	Connected    State = "connected"    // a client is connected
	Disconnected State = "disconnected" // its connection is lost; it may resume
	Ended        State = "ended"        // and all its goroutines with it
)

// Status is a snapshot of a session.
type Status struct {
	ID            string
	Kind          Kind
	State         State
	Ready         bool   // the handshake is done, or none is needed and the agent runs
	ClientVersion string // from the client's first message
	Connects      []Connect
	Refused       int     // upgrade requests and tokens refused
	Up, Down      Traffic // client to agent, agent to client
	Streams       int     // connections that the agent holds to the far port
	Dials         int     // connections that it tried to make
	Pauses        int     // times that the client was told to pause
	Overflow      int     // messages of the client that found the queue full
	Rows, Cols    uint32  // the last terminal size received
	Reason        string  // why it ended
}

// Connect is one accepted websocket.
type Connect struct {
	Signed    bool   // the upgrade request carried a SigV4 Authorization header
	AccessKey string // the key id in it
}

// Traffic counts one direction. Payload counts each payload of the agent once; Messages
// counts every message on the wire.
type Traffic struct {
	Messages, Payload, Acks, Resent int64
}

// Event is something that happened to a session.
type Event struct {
	Session string
	What    string // started, connected, refused, ready, dial, lost, ended
	Detail  string
}

// Session is one session. All methods may be called from any goroutine. mu guards the
// fields below it; switching is taken before mu.
type Session struct {
	board
	g     *Gateway
	cfg   SessionConfig
	agent *agent
	up    *line
	down  *line
	queue *queue
	done  chan struct{}

	switching sync.Mutex // serializes attach and detach

	mu             sync.Mutex
	token          string
	tokenAt        time.Time
	link           *link
	refuseResumes  int
	refuseConnects int
	ending         bool
}

// board shows the status of a session. Its lock is taken last.
type board struct {
	mu      sync.Mutex
	status  Status
	changed chan struct{} // closed at the next change of status; nil if nobody waits
	waiting int
}

func newSession(g *Gateway, c SessionConfig) (*Session, error) {
	switch c.Kind {
	case Shell, InteractiveCommands, NonInteractiveCommands, Port:
	default:
		return nil, errors.New("gateway: unknown session type " + string(c.Kind))
	}
	if c.AgentVersion == "" {
		c.AgentVersion = currentAgent
	}
	if c.Dial == nil {
		c.Dial = g.opt.Dial
	}
	s := &Session{
		g: g, cfg: c,
		board: board{status: Status{ID: c.ID, Kind: c.Kind, State: Waiting}, changed: make(chan struct{})},
		done:  make(chan struct{}),
		up:    newLine(c.Faults, Up),
		down:  newLine(c.Faults, Down),
	}
	s.agent = newAgent(s)
	s.queue = newQueue(s, c.Police)
	s.tell("started", c.Target)
	return s, nil
}

// ticket makes a new token, which voids the one before.
func (s *Session) ticket() *proxy.Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token, s.tokenAt = randomText(64), time.Now()
	return &proxy.Session{
		ID:        s.cfg.ID,
		StreamURL: proxy.NewSecret("ws://" + s.g.Addr() + "/v1/data-channel/" + s.cfg.ID + "?role=publish_subscribe"),
		Token:     proxy.NewSecret(s.token),
	}
}

// redeem uses a token, or returns the reason why it cannot be used.
func (s *Session) redeem(token string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ending:
		return errors.New("the session has ended")
	case s.token == "":
		return errors.New("the token was used before")
	case subtle.ConstantTimeCompare([]byte(token), []byte(s.token)) == 0:
		return errors.New("wrong token")
	case s.cfg.TokenLife > 0 && time.Since(s.tokenAt) > s.cfg.TokenLife:
		return errors.New("the token has expired")
	}
	s.token = ""
	return nil
}

// Status returns a snapshot.
func (b *board) Status() Status {
	st, _ := b.look(0)
	return st
}

// look returns a snapshot and the channel that is closed at the next change; more
// changes the number of waiters.
func (b *board) look(more int) (Status, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting += more
	st := b.status
	st.Connects = append([]Connect(nil), st.Connects...)
	return st, b.changed
}

// Await returns when ok is true for the session's status, or when ctx ends.
func (b *board) Await(ctx context.Context, ok func(Status) bool) (Status, error) {
	defer b.look(-1)
	for st, changed := b.look(1); ; st, changed = b.look(0) {
		if ok(st) {
			return st, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return st, ctx.Err()
		}
	}
}

// update changes the status under the lock and wakes the waiters.
func (b *board) update(change func(*Status)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(&b.status)
	if b.waiting > 0 {
		close(b.changed)
		b.changed = make(chan struct{})
	}
}

// Done is closed when the session has ended and its agent's goroutines, processes
// and connections are gone.
func (s *Session) Done() <-chan struct{} { return s.done }

func (s *Session) ended() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ending
}

// RefuseResumes makes the next n calls of Resume fail with ErrRefused.
func (s *Session) RefuseResumes(n int) { s.set(&s.refuseResumes, n) }

// RefuseConnects makes the next n upgrade requests fail with status 403.
func (s *Session) RefuseConnects(n int) { s.set(&s.refuseConnects, n) }

// ExpireToken makes the last token invalid.
func (s *Session) ExpireToken() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = ""
}

func (s *Session) set(counter *int, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*counter = n
}

// refuse takes one from a counter of calls to refuse.
func (s *Session) refuse(counter *int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if *counter == 0 {
		return false
	}
	*counter--
	return true
}

// Finish ends the session as the service does after an idle timeout: the client gets
// channel_closed with this text.
func (s *Session) Finish(output string) { s.end("finished", output) }

// Cut breaks the client's connection in the given way, now.
func (s *Session) Cut(how Action) {
	if l := s.current(); l != nil {
		l.cut(how)
	}
}

// current is the client's connection, nil while there is none.
func (s *Session) current() *link {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.link
}

// Publish sends start_publication or, for false, pause_publication to the client.
func (s *Session) Publish(start bool) {
	what := wire.StartPublication
	if !start {
		what = wire.PausePublication
	}
	s.transmit(control(what, nil))
}

// end stops the agent and tells the client; the first call decides reason and output.
func (s *Session) end(reason, output string) {
	s.mu.Lock()
	if s.ending {
		s.mu.Unlock()
		return
	}
	s.ending = true
	s.mu.Unlock()
	go func() {
		s.leave(lastMessage)
		s.agent.stop()
		s.transmit(channelClosed(s.cfg.ID, output))
		s.up.close()
		s.queue.close()
		s.down.close()
		s.update(func(st *Status) { st.State, st.Reason = Ended, or(st.Reason, reason) })
		s.tell("ended", reason)
		close(s.done)
	}()
}

// leave gives the client a moment to disconnect by itself.
func (s *Session) leave(d time.Duration) {
	if l := s.current(); l != nil {
		l.leave(d)
	}
}

func (s *Session) tell(what, detail string) {
	s.g.opt.Log.Debug("session", "id", s.cfg.ID, "what", what, "detail", detail)
	if s.g.opt.OnEvent != nil {
		s.g.opt.OnEvent(Event{Session: s.cfg.ID, What: what, Detail: detail})
	}
}
