package channel

import (
	"errors"
	"fmt"
)

// ErrSessionGone is wrapped when the session no longer exists: the gateway
// closed it, or resuming it gave no token. A new one has to be started.
var ErrSessionGone = errors.New("session is gone")

// ErrNotResumable is wrapped, with ErrSessionGone, when AWS had no token to resume a session
// with: its time is over.
var ErrNotResumable = fmt.Errorf("%w: it cannot be resumed any more", ErrSessionGone)

// ErrRefused is wrapped when AWS refused the connection or its resumption for
// good, because of the credentials or the token.
var ErrRefused = errors.New("refused")

// ErrOpenTimeout is wrapped when gateway or agent did not answer within Options.OpenTimeout.
var ErrOpenTimeout = errors.New("no answer in time")

// Silenced reports whether a connection was lost without a word, as the error of a Lost
// event says: nothing came any more, or nothing got through, or the machine was suspended.
// Other connections over the same network are dead then, too, although nothing says so.
func Silenced(err error) bool {
	return isTimeout(err) || errors.Is(err, errSuspended) || errors.Is(err, errOneWay)
}

// ErrStuck says that the far side took messages no longer while the connection lived.
var ErrStuck = errors.New("agent stopped acknowledging")

// ErrClosed is returned for use of a channel after Close or after its context ended.
var ErrClosed = errors.New("channel is closed")

// ErrRemotePort is wrapped when the agent cannot reach the remote port.
var ErrRemotePort = errors.New("remote port refused the connection")

// ErrEscaped is returned by Shell when the user typed the escape sequence that leaves.
var ErrEscaped = errors.New("left by escape sequence")

// ClosedError is the gateway's channel_closed message. It wraps ErrSessionGone.
type ClosedError struct {
	Output string // the gateway's sentence for the user, often empty
}

// Error returns the gateway's sentence.
func (e *ClosedError) Error() string {
	if e.Output == "" {
		return "session closed"
	}
	return "session closed: " + e.Output
}

// Unwrap makes errors.Is(err, ErrSessionGone) hold.
func (e *ClosedError) Unwrap() error { return ErrSessionGone }

// StatusError is an answer to the websocket's upgrade other than 101. Statuses
// 400 to 499, but 408 and 429, wrap ErrRefused.
type StatusError struct {
	Status int
}

// Error names the status.
func (e *StatusError) Error() string {
	return fmt.Sprintf("message gateway answered %d to the websocket request", e.Status)
}

// Unwrap returns ErrRefused when trying again cannot help.
func (e *StatusError) Unwrap() error {
	if e.Status >= 400 && e.Status < 500 && e.Status != 408 && e.Status != 429 {
		return ErrRefused
	}
	return nil
}

// HandshakeError says which step of the handshake failed.
type HandshakeError struct {
	Step string
	Err  error
}

// Error names the step and its cause.
func (e *HandshakeError) Error() string {
	return fmt.Sprintf("handshake failed, %s: %v", e.Step, e.Err)
}

// Unwrap returns the cause.
func (e *HandshakeError) Unwrap() error { return e.Err }

// final reports whether err ends the channel rather than one connection.
func final(err error) bool {
	return errors.Is(err, ErrSessionGone) || errors.Is(err, ErrStuck) || errors.Is(err, ErrClosed) || errors.Is(err, errProtocol)
}

// errProtocol is wrapped when the far side breaks the protocol in a way that
// resending cannot mend.
var errProtocol = errors.New("protocol violation")
