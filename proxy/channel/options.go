package channel

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"time"

	"ssmguard/proxy"
	"ssmguard/proxy/channel/wire"
)

// Options says how to open and keep a channel. Session is required; every other
// field has a default that suits AWS.
type Options struct {
	// Session is what StartSession answered. Spec.Target is part of the encryption context.
	Session *proxy.Session

	// Sign signs the websocket's upgrade request (SigV4, service ssmmessages,
	// empty payload) by setting headers. Nil leaves it unsigned, and a stream URL
	// that is presigned is never signed again.
	Sign func(ctx context.Context, r *http.Request) error
	// Resume calls ResumeSession with fresh credentials. An empty token means that
	// the session is gone. Errors that wrap ErrSessionGone or ErrRefused end the
	// channel, others are tried again. An empty stream URL keeps the old one. With
	// a nil Resume the first loss of the connection ends the channel.
	Resume func(ctx context.Context, sessionID string) (streamURL, token proxy.Secret, err error)
	// GenerateDataKey calls kms:GenerateDataKey for 64 bytes. Nil fails the
	// handshake of sessions that ask for encryption.
	GenerateDataKey func(ctx context.Context, keyID string, encryptionContext map[string]string) (plaintext, ciphertext []byte, err error)

	// OnEvent is called for what happens to the channel, one call at a time. It must not block.
	OnEvent func(Event)

	// OnPanic is called when a goroutine of the channel panics, before that ends
	// the process: whoever changed the terminal puts it right there.
	OnPanic func()

	// DialContext, Proxy and TLS are those of net/http.Transport; nil means a
	// plain dialer, no proxy, the system's roots.
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error)
	Proxy       func(*http.Request) (*url.URL, error)
	TLS         *tls.Config

	// OpenTimeout bounds Dial, from the first connection to the end of the handshake. Default 30 s.
	OpenTimeout time.Duration
	// Silent is for sessions that may run without a handshake and without output, as
	// commands do that read before they write: OpenTimeout bounds the connection alone.
	// Dial then returns once the agent has taken a message, Size, and has said nothing
	// itself; an agent that is not there yet is waited for until Dial's context ends.
	Silent bool
	// Size is the size of the user's terminal, for Silent. Default 300 columns, 100 rows,
	// as the official plugin has it without a terminal.
	Size wire.Size
	Limits

	// wall is the wall clock, apart from the monotonic one; tests turn it.
	wall func() time.Time
	// farewell is how long a channel that ends waits for the far side; on a busy
	// machine tests wait longer.
	farewell time.Duration
}

// Limits are the sizes and times of a channel. Those that are 0 get defaults that suit AWS.
type Limits struct {
	// MessageSize is the largest payload we send, in bytes. Real agents take at
	// least 16 KiB, but what the gateway lets pass is not documented, so the
	// default is 1536, which other clients have used against AWS for years.
	MessageSize int
	// Unacked bounds the bytes that are sent and not yet acknowledged. Default 4 MiB.
	Unacked int
	// Buffer bounds the bytes of all connections that their local readers have not
	// taken yet. Default 32 MiB; see Forward for what happens beyond.
	Buffer int
	// Early bounds what is kept while a message before it is missing, together with what
	// local readers have not taken. Default 48 MiB, which an agent sends within a minute: one
	// that has a message missing for longer, after many cuts of a long path, has to repeat
	// what comes then, one message each 100 ms.
	Early int

	// PingEvery is the time between pings, Silence how long a connection may stay
	// without a byte before it counts as lost. Defaults 3 s and 8 s.
	PingEvery, Silence time.Duration
	// Backoff is the pause between attempts to resume. Default 100 ms to 15 s.
	Backoff proxy.Backoff
	// ResumeFor bounds one outage; 0 means as long as the session lives.
	ResumeFor time.Duration
	// AckTimeout is how long an agent on a live connection may leave messages
	// unacknowledged before the session counts as stuck. Default 5 min. In a shell
	// it never does: a program there need not read what is typed.
	AckTimeout time.Duration
	// Stall is how long, with Buffer used up and others waiting, a connection may
	// read nothing, or keep them waiting, before it is reset for their sake. Default 2 s.
	Stall time.Duration
	// Answered and Unanswered are how long a connection whose local end has sent
	// EOF stays open without a byte from the far side: after the far side has
	// answered, when it is closed, and before, when it is reset. Defaults 2 s and 15 s. With more than a few dozen such
	// connections, Answered is shortened in proportion: nearly all of them are
	// closed for good, which TCP does not tell. Where the system does (Linux, for
	// programs on this machine), one that is gone is not waited for, and one that
	// waits for the rest of an answer gets fifteen times Answered.
	Answered, Unanswered time.Duration
}

const (
	defaultMessageSize = 1536
	minMessageSize     = 256
	maxMessageSize     = 32 << 10
	openTry            = 15 * time.Second // one attempt to connect or to resume
)

// withDefaults returns a copy with every field set and in its bounds.
func (o Options) withDefaults() Options {
	o.MessageSize = min(max(or(o.MessageSize, defaultMessageSize), minMessageSize), maxMessageSize)
	o.Unacked = max(or(o.Unacked, 4<<20), 64*o.MessageSize)
	o.Buffer = or(o.Buffer, 32<<20)
	o.Early = or(o.Early, 48<<20)
	o.OpenTimeout = or(o.OpenTimeout, 30*time.Second)
	o.PingEvery = or(o.PingEvery, 3*time.Second)
	o.Silence = max(or(o.Silence, 8*time.Second), o.PingEvery)
	o.AckTimeout = or(o.AckTimeout, 5*time.Minute)
	o.Stall = or(o.Stall, 2*time.Second)
	o.Answered = or(o.Answered, 2*time.Second)
	o.Unanswered = or(o.Unanswered, 15*time.Second)
	if o.Backoff.Min <= 0 {
		o.Backoff.Min, o.Backoff.Max = 100*time.Millisecond, 15*time.Second
	}
	if o.OnEvent == nil {
		o.OnEvent = func(Event) {}
	}
	if o.OnPanic == nil {
		o.OnPanic = func() {}
	}
	if o.DialContext == nil {
		o.DialContext = (&net.Dialer{Timeout: openTry}).DialContext
	}
	if o.Size == (wire.Size{}) {
		o.Size = wire.Size{Cols: 300, Rows: 100}
	}
	o.farewell = or(o.farewell, farewell)
	if o.wall == nil {
		o.wall = func() time.Time { return time.Now().Round(0) }
	}
	return o
}

func or[T int | time.Duration](v, fallback T) T {
	if v <= 0 {
		return fallback
	}
	return v
}

// EventKind says what an Event is about.
type EventKind int

// The kinds of events.
const (
	Lost       EventKind = iota + 1 // the connection is gone, Err says why; the channel tries to resume
	Resumed                         // the connection is back
	Refused                         // the agent could not reach the remote port, Text says which; said once until it answers again
	Dropped                         // a local connection that read too slowly was reset, Text says which
	Unanswered                      // a local connection was reset: no answer came for the time in Text after it had sent EOF; said once
	AgentBack                       // the agent's own connection was lost and is back: what was under way may have been passed on twice
	Unserved                        // a local connection was reset: Err says why there was no session for it
	Message                         // Text is meant for the user (a document's customer message)
)

// Event is something that happened to a channel.
type Event struct {
	Kind EventKind
	Err  error
	Text string
}
