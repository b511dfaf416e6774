//go:build !windows

package session

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
	"time"

	"ssmguard/cmd/internal/env"
	"ssmguard/proxy/channel/wire"
)

// escapes is what can be typed after ~ at the start of a line.
const escapes = "~. leaves the session, ~^Z suspends us, ~~ sends a tilde, ~? shows this"

const canSuspend = true

// suspendTime is how long it may take until we are stopped, and how long the far
// side may take to see one size before it gets the next.
const suspendTime = 200 * time.Millisecond

// sizes gives the size of the terminal now, whenever it changes, and twice for a
// nudge, so that a program there draws its screen again, until stop is called.
// Without a terminal it gives one default. It makes the terminal raw again when
// the process has been stopped meanwhile.
func (t *terminal) sizes(nudge <-chan struct{}) (sizes <-chan wire.Size, stop func()) {
	out := make(chan wire.Size, 1)
	if t.view == nil {
		out <- defaultSize
		return out, func() {}
	}
	changed, done, ended := make(chan os.Signal, 1), make(chan struct{}), make(chan struct{})
	signal.Notify(changed, syscall.SIGWINCH, syscall.SIGCONT)
	out <- t.size() // after Notify: no change goes unseen
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
					t.again()
				}
			case <-nudge:
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

// again makes the terminal what it was to be: the local shell has had it.
func (t *terminal) again() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.makeRaw() //nolint:errcheck // the terminal is gone then
}

// suspend stops us and all of our job, as Ctrl-Z does elsewhere, and returns when
// we go on.
func (t *terminal) suspend() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.putBack()
	syscall.Kill(0, syscall.SIGTSTP) //nolint:errcheck // then we go on at once
	time.Sleep(suspendTime)          // we are stopped here, unless nobody could continue us
	t.makeRaw()                      //nolint:errcheck // the terminal is gone then
}

// whileCarrying returns a context that SIGQUIT ends, too: otherwise it would leave
// the session behind. Until stop is called, a write to a pipe that nobody reads
// any more is an error and not the end of the process, for the same reason.
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

// pipeEnd is the end by the signal that a write without a reader sends, nil if
// err is something else.
func pipeEnd(err error) error {
	if errors.Is(err, syscall.EPIPE) {
		return env.Signalled{Signal: syscall.SIGPIPE}
	}
	return nil
}
