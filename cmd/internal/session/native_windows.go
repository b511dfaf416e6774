package session

import (
	"context"
	"os"
	"syscall"
	"time"

	"ssmguard/cmd/internal/env"
	"ssmguard/internal/nettext"
	"ssmguard/proxy/channel/wire"
)

// escapes describes the characters after ~ at the start of a line.
const escapes = "~. leaves the session, ~~ sends a tilde, ~? shows this"

const canSuspend = false

// sessionKeys are the keys of the terminal that are behind the signals that a session gets in
// our place, as the official plugin types them.
var sessionKeys = map[os.Signal]byte{os.Interrupt: 3}

// lookAtSize is how often the console's size is looked at: Windows tells of a change only to
// who reads its events in the place of keys.
const lookAtSize = 250 * time.Millisecond

// sizes sends the size of the terminal at once, after each change, and twice for a redraw,
// until stop is called. Without a terminal it sends defaultSize once.
func (t *terminal) sizes(redraw <-chan struct{}) (sizes <-chan wire.Size, stop func()) {
	out := make(chan wire.Size, 1)
	if t.view == nil {
		out <- defaultSize
		return out, func() {}
	}
	look, done, ended := time.NewTicker(lookAtSize), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		changedSizes(t.size, look.C, redraw, out, done)
	}()
	return out, func() {
		look.Stop()
		close(done)
		<-ended
	}
}

func (t *terminal) suspend() {}

// whileCarrying has nothing to do: Windows has neither signal.
func whileCarrying(ctx context.Context) (_ context.Context, stop func()) { return ctx, func() {} }

// pipeEnd returns the error of an end by the reader of our output, as on other systems.
func pipeEnd(err error) error {
	if nettext.NoReader(err) {
		return env.Signalled{Signal: syscall.SIGPIPE}
	}
	return nil
}
