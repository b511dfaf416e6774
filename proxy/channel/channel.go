package channel

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"ssmguard/proxy/channel/wire"
)

// Channel is one open session. Its connection may be lost and resumed any
// number of times; what runs in the session does not notice. Forward, Stdio or
// Shell, one of them and once, use it.
//
// A Channel has no lock but eventMu. Each of its parts has its own or needs none,
// and says so at its declaration: dialer, handshake, outgoing, incoming.
type Channel struct {
	opt  Options
	info Info       // set before Dial returns
	late *handshake // the one that a session without may still begin, for Shell; set likewise

	quit  context.Context // ends, with its cause, when the channel has to stop
	stop  context.CancelCauseFunc
	ended chan struct{} // closed when every goroutine of the channel has ended

	dialer  dialer
	key     sessionKey
	out     *outgoing
	in      *incoming
	resumed atomic.Int64
	eventMu sync.Mutex // one event at a time

	knowsTerminate atomic.Bool // the agent knows the flag that ends the session
}

// Info is what the agent says of the session in the handshake.
type Info struct {
	SessionType     string // Port, Standard_Stream, InteractiveCommands, NonInteractiveCommands
	AgentVersion    string // empty if the session had no handshake
	Properties      PortProperties
	CustomerMessage string
	Encrypted       bool
	Multiplexed     bool // many connections at once
}

// PortProperties are the properties of a port session's document.
type PortProperties struct {
	PortNumber          string `json:"portNumber"`
	Type                string `json:"type"`                // LocalPortForwarding, or empty for a session over stdin and stdout
	LocalPortNumber     string `json:"localPortNumber"`     // to listen on, 0 or empty for any
	LocalConnectionType string `json:"localConnectionType"` // unix: listen on LocalUnixSocket instead
	LocalUnixSocket     string `json:"localUnixSocket"`
}

// The session types.
const (
	Port                   = "Port"
	StandardStream         = "Standard_Stream"
	InteractiveCommands    = "InteractiveCommands"
	NonInteractiveCommands = "NonInteractiveCommands"
)

// farewell is how long a channel that ends waits for the far side.
const farewell = time.Second

// Dial connects to the session and returns when it can be used: the handshake
// is done, or the first output of a session without one has come. ctx governs
// the channel's whole life; when it ends, the channel closes as by Close.
// Errors wrap ErrRefused, ErrSessionGone or ErrOpenTimeout, or are a HandshakeError,
// where they apply.
func Dial(ctx context.Context, opt Options) (*Channel, error) {
	if opt.Session == nil {
		return nil, errors.New("no session to connect to")
	}
	c := newChannel(ctx, opt)
	opening, cancel := context.WithTimeoutCause(c.quit, c.opt.OpenTimeout, ErrOpenTimeout)
	defer cancel()
	l, err := c.dialer.first(opening)
	if err != nil {
		c.stop(err)
		return nil, err
	}
	go c.guarded(func() { c.run(l) })
	if err := c.awaitHandshake(opening); err != nil {
		c.stop(err)
		<-c.ended
		return nil, err
	}
	return c, nil
}

// newChannel returns a channel without a connection.
func newChannel(ctx context.Context, opt Options) *Channel {
	c := &Channel{opt: opt.withDefaults(), ended: make(chan struct{})}
	c.quit, c.stop = context.WithCancelCause(ctx)
	c.dialer = dialer{opt: &c.opt, clientID: wire.NewUUID().String()}
	pace := &pace{sent: make(chan struct{}, 1)}
	c.out = newOutgoing(c.quit, &c.opt, &c.key, pace)
	c.in = newIncoming(c.quit, &c.key, pace, c.out, c.event)
	return c
}

// Info returns what is known of the session.
func (c *Channel) Info() Info { return c.info }

// Done is closed when the channel has ended and nothing of it runs any more.
func (c *Channel) Done() <-chan struct{} { return c.ended }

// Err says why the channel ended; nil as long as it lives. It wraps
// ErrSessionGone, ErrRefused, ErrStuck or ErrClosed.
func (c *Channel) Err() error {
	select {
	case <-c.ended:
		return c.cause()
	default:
		return nil
	}
}

// cause returns why the channel stops; the end of the caller's context is ErrClosed.
func (c *Channel) cause() error {
	err := context.Cause(c.quit)
	var handshake *HandshakeError
	if err == nil || final(err) || errors.Is(err, ErrRefused) || errors.As(err, &handshake) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrClosed, err)
}

// endedByGateway reports whether the gateway closed the session.
func (c *Channel) endedByGateway() bool {
	var closed *ClosedError
	return errors.As(context.Cause(c.quit), &closed)
}

// Close tells the agent to end the session, waits at most a second for the
// acknowledgement, closes the connection, and returns when every goroutine has ended.
// It does not call TerminateSession, which the opener of the session owes anyway.
func (c *Channel) Close() error {
	c.stop(ErrClosed)
	<-c.ended
	return nil
}

// Stats counts what has passed.
type Stats struct {
	Up, Down             int64 // bytes of the local connections
	Open, Opened         int   // local connections now and ever
	Resumed              int64 // times the connection was lost and came back
	Resent, Repeated     int64 // messages we sent again, and got again
	RoundTrip            time.Duration
	Rate                 int64 // bytes per second that the path has been found to carry up; 0: nothing is under way, or it is not known
	Window, Unacked      int   // messages that may be, and are, in flight
	Buffered             int   // bytes that local readers have not taken
	Dropped, Unreachable int   // connections reset for not reading; refusals by the remote port
}

// Stats returns the counts so far.
func (c *Channel) Stats() (s Stats) {
	if e := c.in.engine.Load(); e != nil {
		s = (*e).stats()
	}
	c.out.count(&s)
	s.Resumed, s.Repeated = c.resumed.Load(), c.in.receiver.Repeated.Load()
	return s
}

func (c *Channel) event(e Event) {
	c.eventMu.Lock()
	defer c.eventMu.Unlock()
	c.opt.OnEvent(e)
}

// guarded runs f, and OnPanic if f panics.
func (c *Channel) guarded(f func()) {
	ended := false
	defer func() {
		if !ended {
			c.opt.OnPanic()
		}
	}()
	f()
	ended = true
}

// sleep waits for d; false means that ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
