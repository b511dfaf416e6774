package session

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"

	"ssmguard/internal/safetext"
	"ssmguard/proxy/channel"
	"ssmguard/proxy/door"
)

// pluginLines writes to stdout what the official session-manager plugin writes there
// beside the session's own bytes: other programs wait for these lines. The lines are those
// of the plugin that is built in; cmd/ssmguard/testdata/plugin-output holds records of it.
// The methods of a nil *pluginLines do nothing: stdout is then the session's alone.
type pluginLines struct {
	out     io.Writer
	session string                  // its id
	stop    context.CancelCauseFunc // ends the session when out takes nothing any more
}

// newPluginLines writes that a session begins. It returns its lines, and the context in
// which it is to run.
func newPluginLines(ctx context.Context, out io.Writer, session string) (*pluginLines, context.Context) {
	ctx, stop := context.WithCancelCause(ctx)
	l := &pluginLines{out, session, stop}
	l.wrote(safetext.Fprintf(out, "\nStarting session with SessionId: %s\n", session))
	return l, ctx
}

// wrote takes what a write to stdout returns. When nobody reads it any more, the session ends.
func (l *pluginLines) wrote(_ int, err error) {
	if err == nil {
		return
	}
	if broken := pipeEnd(err); broken != nil {
		err = broken
	}
	l.stop(err)
}

// event writes what the plugin writes about an event of the channel. shown reports whether
// nothing else has to be said about the event.
func (l *pluginLines) event(e channel.Event) (shown bool) {
	switch {
	case l == nil:
		return false
	case e.Kind == channel.Message:
		l.wrote(safetext.Fprintf(l.out, "%s\n", safetext.Own(safetext.Text(e.Text))))
	case e.Kind == channel.RefusedAgain:
		l.wrote(safetext.Fprintf(l.out, "\nConnection to destination port failed, check SSM Agent logs.\n"))
	default:
		return e.Kind == channel.Refused
	}
	return true
}

// listening writes that a local port or socket is open, and returns a listener that
// writes that the first connection is accepted.
func (l *pluginLines) listening(local *door.Door, multiplexed bool) net.Listener {
	if l == nil {
		return local
	}
	place := "Port " + portOf(local.Addr())
	if path, isSocket := strings.CutPrefix(local.String(), "unix:"); isSocket {
		place = "Unix socket " + path
	}
	announce := func() { l.wrote(safetext.Fprintf(l.out, "Connection accepted for session %s.\n", l.session)) }
	if multiplexed {
		l.wrote(safetext.Fprintf(l.out, "%s opened for sessionId %s.\nWaiting for connections...\n", place, l.session))
		announce = func() { l.wrote(safetext.Fprintf(l.out, "\nConnection accepted for session [%s]\n", l.session)) }
	} else {
		l.wrote(safetext.Fprintf(l.out, "%s opened for sessionId %s.\n", place, l.session))
	}
	return &announced{Listener: local, announce: sync.OnceFunc(announce)}
}

func portOf(a net.Addr) string {
	_, port, _ := net.SplitHostPort(a.String()) //nolint:errcheck // it is the address of a listener
	return port
}

// announced is a listener that calls announce when it has accepted a connection.
type announced struct {
	net.Listener
	announce func()
}

// Accept returns the next connection.
func (a *announced) Accept() (net.Conn, error) {
	conn, err := a.Listener.Accept()
	if err == nil {
		a.announce()
	}
	return conn, err
}

// errTerminated ends a forwarded port: a signal of the terminal has come.
var errTerminated = errors.New("terminated by a signal")

// untilTerminated returns a context that a signal of the terminal ends, as it ends the
// plugin's forwarded ports, with the cause errTerminated.
func (l *pluginLines) untilTerminated(ctx context.Context) (_ context.Context, undo func()) {
	if l == nil {
		return ctx, func() {}
	}
	ctx, end := context.WithCancelCause(ctx)
	signals, release := takeSessionSignals()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if _, came := <-signals; came {
			l.wrote(safetext.Fprintf(l.out, "Terminate signal received, exiting.\n"))
			end(errTerminated)
			for range signals {
			}
		}
	}()
	return ctx, func() {
		release()
		<-ended
		end(nil)
	}
}

// keys returns the keys that the plugin types at the far end for signals of the terminal,
// until undo is called.
func (l *pluginLines) keys() (keys <-chan byte, undo func()) {
	if l == nil {
		return nil, func() {}
	}
	signals, release := takeSessionSignals()
	typed, done := make(chan byte), make(chan struct{})
	go func() {
		defer close(typed)
		for sig := range signals {
			select {
			case typed <- sessionKeys[sig]:
			case <-done:
			}
		}
	}()
	return typed, func() {
		close(done)
		release()
		for range typed {
		}
	}
}

// takeSessionSignals keeps the signals of sessionKeys from whoever asked for them before.
// undo closes the channel.
func takeSessionSignals() (_ <-chan os.Signal, undo func()) {
	const room = 16 // for keys that are pressed while the connection is lost
	signals := make(chan os.Signal, room)
	var all []os.Signal
	for sig := range sessionKeys {
		all = append(all, sig)
	}
	signal.Reset(all...)
	signal.Notify(signals, all...)
	return signals, func() {
		signal.Stop(signals)
		close(signals)
	}
}

// toldError is the end of a session that the plugin tells on stdout.
type toldError struct{ error }

func (e toldError) Unwrap() error { return e.error }

// ended writes how the session has ended: cause is the channel's, err what would be told
// without these lines.
func (l *pluginLines) ended(ctx context.Context, cause, err error) error {
	if l == nil {
		return err
	}
	var closed *channel.ClosedError
	terminated := errors.Is(err, errTerminated)
	switch place, cannotListen := unopened(err); {
	case terminated, errors.As(cause, &closed) && closed.Output == "":
		l.wrote(safetext.Fprintf(l.out, "\n\nExiting session with sessionId: %s.\n\n", l.session))
	case closed != nil:
		l.wrote(safetext.Fprintf(l.out, "\n\nSessionId: %s : %s\n\n", l.session, safetext.Own(safetext.Text(closed.Output))))
	case errors.Is(cause, channel.ErrNotResumable):
		l.wrote(safetext.Fprintf(l.out, "Session: %s timed out.\n", l.session))
	case cannotListen:
		l.wrote(safetext.Fprintf(l.out, "Cannot perform start session: %s\n", place.Error()))
	default:
		return err
	}
	switch broken := context.Cause(ctx); {
	case broken != nil:
		return broken
	case terminated, err == nil, closed != nil && closed.Output == "" && errors.Is(err, closed):
		return nil
	}
	return toldError{err}
}

// unopened returns why a local port or socket could not be opened, in the plugin's words.
func unopened(err error) (told error, ok bool) {
	var inUse *door.InUseError
	var listen *net.OpError
	switch {
	case errors.As(err, &inUse):
		network, address := "tcp", inUse.Address
		if path, isSocket := strings.CutPrefix(address, "unix:"); isSocket {
			network, address = "unix", path
		}
		return &net.OpError{Op: "listen", Net: network, Addr: place{network, address}, Err: os.NewSyscallError("bind", syscall.EADDRINUSE)}, true
	case errors.As(err, &listen) && listen.Op == "listen":
		return listen, true
	}
	return nil, false
}

// place is the address of a listener that could not be opened.
type place struct{ network, address string }

func (p place) Network() string { return p.network }
func (p place) String() string  { return p.address }
