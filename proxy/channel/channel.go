package channel

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"ssmguard/proxy"
	"ssmguard/proxy/channel/reliable"
	"ssmguard/proxy/channel/wire"
)

// Channel is one open session. Its connection may be lost and resumed any
// number of times; what runs in the session does not notice. Forward, Stdio or
// Shell, one of them and once, use it.
type Channel struct {
	opt       Options
	clientID  string
	streamURL proxy.Secret // the run goroutine's, after Dial
	info      Info         // set before Dial returns

	quit  context.Context // ends, with its cause, when the channel has to stop
	stop  context.CancelCauseFunc
	ended chan struct{} // closed when every goroutine of the channel has ended

	kick    chan struct{} // wakes the writer
	free    sync.Pool     // *message
	crypt   atomic.Pointer[encryption]
	rx      reliable.Receiver // the reader's
	steady  atomic.Bool       // a long download flows slowly, see trickle
	talking chan struct{}     // we send something meanwhile
	spoke   atomic.Uint64     // how often we have sent something
	shake   chan step
	talk    chan struct{} // closed at the first payload that is not of the handshake

	mu        sync.Mutex
	tx        reliable.Sender
	acks      []ackDue
	ackSince  time.Time
	pongs     [][]byte
	live      liveness
	blocked   bool // the reader waits for room: acknowledgements go unread
	drained   chan struct{}
	unhurried bool // what runs there may leave its input unread for as long as it likes
	mute      bool // the gateway does not answer pings
	ponged    bool
	resumed   int64

	eventMu  sync.Mutex // one event at a time
	engineMu sync.Mutex
	engine   engine
	counter  atomic.Pointer[counter] // the engine, for Stats
	pending  []reliable.Arrival      // payloads that came before the engine
	early    int                     // their bytes
	attached chan struct{}
}

// engine is what runs in a session: a multiplexer, one connection, a terminal.
type engine interface {
	// output takes one payload, in order. It keeps nothing of it and does not block.
	output(kind wire.PayloadType, payload []byte) error
	// full reports whether the reader should wait before it takes more.
	full() bool
	// room waits until full is false or stop is closed.
	room(stop <-chan struct{})
	// bulk reports whether what comes may come in bursts, see trickle: nobody watches it.
	bulk() bool
}

// counter is an engine that has something to say in Stats.
type counter interface{ count(*Stats) }

// Info is what the handshake told.
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

const (
	farewell   = time.Second           // how long a leaving channel waits for the far side
	ackDelay   = 5 * time.Millisecond  // acknowledgements wait for company
	ackBatch   = 32                    // but no more than that many
	batchSize  = 64 << 10              // bytes in one write
	settle     = 25 * time.Millisecond // agents throw away what comes right after HandshakeComplete
	preAttach  = 4 << 20               // bytes that may wait for an engine
	wakeAtMost = time.Second           // the writer looks at the clocks at least that often
	clockJump  = 3 * time.Second
)

// Dial connects to the session and returns when it can be used: the handshake
// is done, or the first output of a session without one has come. ctx governs
// the channel's whole life; when it ends, the channel closes as by Close.
// Errors wrap ErrRefused, ErrSessionGone or ErrOpenTimeout, or are a HandshakeError,
// where they apply.
func Dial(ctx context.Context, opt Options) (*Channel, error) {
	if opt.Session == nil {
		return nil, errors.New("no session to connect to")
	}
	c := &Channel{
		opt: opt.withDefaults(), clientID: wire.NewUUID().String(), streamURL: opt.Session.StreamURL,
		ended: make(chan struct{}), kick: make(chan struct{}, 1), talking: make(chan struct{}, 1),
		shake: make(chan step, 8), talk: make(chan struct{}), attached: make(chan struct{}),
	}
	c.live.begun, c.live.changed = time.Now(), make(chan struct{})
	c.tx.Window = reliable.NewWindow(c.opt.Unacked / c.opt.MessageSize)
	c.quit, c.stop = context.WithCancelCause(ctx)
	opening, cancel := context.WithTimeoutCause(c.quit, c.opt.OpenTimeout, ErrOpenTimeout)
	defer cancel()
	l, err := c.firstLink(opening)
	if err != nil {
		c.stop(err)
		return nil, err
	}
	go c.guarded(func() { c.run(l) })
	if err := c.handshake(opening); err != nil {
		c.stop(err)
		<-c.ended
		return nil, err
	}
	return c, nil
}

// firstLink connects with the session's own token. Whatever may be a passing
// fault is tried again until ctx ends. A certificate that is not trusted is none
// here; when a connection is resumed it may be: a hotel's login page, say.
func (c *Channel) firstLink(ctx context.Context) (*link, error) {
	for failed := 1; ; failed++ {
		l, err := c.connect(ctx, c.streamURL, c.opt.Session.Token)
		var untrusted *tls.CertificateVerificationError
		if err == nil || errors.Is(err, ErrRefused) || errors.As(err, &untrusted) {
			return l, err
		}
		if !sleep(ctx, c.opt.Backoff.Pause(failed)) {
			return nil, err
		}
	}
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

// endedThere reports whether the far side ended the session, with a word for it.
func (c *Channel) endedThere() bool {
	var closed *ClosedError
	return errors.As(context.Cause(c.quit), &closed)
}

// Close tells the agent to end the session, waits at most a second for it to
// hear, closes the connection, and returns when every goroutine has ended. It
// does not call TerminateSession, which the opener of the session owes anyway.
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
	Window, Unacked      int // messages that may be, and are, in flight
	Buffered             int // bytes that local readers have not taken
	Dropped, Unreachable int // connections reset for not reading; refusals by the remote port
}

// Stats returns the counts so far.
func (c *Channel) Stats() Stats {
	c.mu.Lock()
	s := Stats{
		Resumed: c.resumed, Resent: c.tx.Resent, RoundTrip: c.tx.Srtt,
		Window: c.tx.Size(), Unacked: c.tx.Flight.N + c.tx.Lost.N,
	}
	c.mu.Unlock()
	s.Repeated = c.rx.Repeated.Load()
	if p := c.counter.Load(); p != nil {
		(*p).count(&s)
	}
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
