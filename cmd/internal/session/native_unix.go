//go:build !windows

package session

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"ssmguard/cmd/internal/env"
	"ssmguard/internal/nettext"
	"ssmguard/proxy/channel/wire"
)

// escapes describes the characters after ~ at the start of a line.
const escapes = "~. leaves the session, ~^Z suspends us, ~~ sends a tilde, ~? shows this"

const canSuspend = true

// sessionKeys are the keys of the terminal that are behind the signals that a session gets in
// our place, as the official plugin types them.
var sessionKeys = map[os.Signal]byte{syscall.SIGINT: 3, syscall.SIGQUIT: 0x1c, syscall.SIGTSTP: 0x1a}

// suspendTime is how long the system may take to stop the process, and the pause
// between two sizes that are sent to the far side.
const suspendTime = 200 * time.Millisecond

// sizes sends the size of the terminal at once, after each change, and twice for a
// redraw, so that the remote program draws its screen again, until stop is called.
// Without a terminal it sends defaultSize once. It makes the terminal raw again after
// the process was stopped.
func (t *terminal) sizes(redraw <-chan struct{}) (sizes <-chan wire.Size, stop func()) {
	out := make(chan wire.Size, 1)
	if t.view == nil {
		out <- defaultSize
		return out, func() {}
	}
	changed, done, ended := make(chan os.Signal, 1), make(chan struct{}), make(chan struct{})
	signal.Notify(changed, syscall.SIGWINCH, syscall.SIGCONT)
	out <- t.size() // after Notify, so that no change is missed
	give := func(s wire.Size) {
		select {
		case out <- s:
		case <-done:
		}
	}
	go func() {
		defer close(ended)
		for {
			select {
			case s := <-changed:
				if s == syscall.SIGCONT {
					t.rawAgain()
				}
			case <-redraw:
				other := t.size()
				other.Rows++
				give(other)
				pause(done, suspendTime)
			case <-done:
				return
			}
			give(t.size())
		}
	}()
	return out, func() {
		signal.Stop(changed)
		close(done)
		<-ended
	}
}

func pause(done <-chan struct{}, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-done:
	}
}

// rawAgain restores raw mode after the local shell has used the terminal.
func (t *terminal) rawAgain() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.makeRaw() //nolint:errcheck // the terminal is gone then
}

// suspend stops the whole job, as Ctrl-Z does elsewhere, and returns when it is
// continued.
func (t *terminal) suspend() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.putBack()
	syscall.Kill(0, syscall.SIGTSTP) //nolint:errcheck // on an error nothing is suspended
	time.Sleep(suspendTime)          // the process is stopped here, unless no shell could continue it
	t.makeRaw()                      //nolint:errcheck // the terminal is gone then
}

// whileCarrying returns a context that SIGQUIT ends, too: otherwise the session would
// stay open. For the same reason a write to a pipe without a reader is an error, and
// not the end of the process, until stop is called.
func whileCarrying(ctx context.Context) (_ context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	signals, ended := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(signals, syscall.SIGQUIT, syscall.SIGPIPE)
	go func() {
		defer close(ended)
		for s := range signals {
			if s == syscall.SIGQUIT {
				cancel(env.Signalled{Signal: syscall.SIGQUIT})
			}
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(signals)
		<-ended
		cancel(nil)
	}
}

// pipeEnd returns the error of an end by SIGPIPE for a write to a pipe without a
// reader, nil for other errors.
func pipeEnd(err error) error {
	if nettext.NoReader(err) {
		return env.Signalled{Signal: syscall.SIGPIPE}
	}
	return nil
}
