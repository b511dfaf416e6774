package session

import (
	"context"
	"os"
	"syscall"

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

// sizes sends the size of the terminal once: Windows has no signal for a change.
func (t *terminal) sizes(<-chan struct{}) (sizes <-chan wire.Size, stop func()) {
	out := make(chan wire.Size, 1)
	out <- t.size()
	return out, func() {}
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
