package session

import (
	"context"

	"ssmguard/proxy/channel/wire"
)

// escapes describes the characters after ~ at the start of a line.
const escapes = "~. leaves the session, ~~ sends a tilde, ~? shows this"

const canSuspend = false

// sizes sends the size of the terminal once: Windows has no signal for a change.
func (t *terminal) sizes(<-chan struct{}) (sizes <-chan wire.Size, stop func()) {
	out := make(chan wire.Size, 1)
	out <- t.size()
	return out, func() {}
}

func (t *terminal) suspend() {}

// whileCarrying has nothing to do: Windows has neither signal.
func whileCarrying(ctx context.Context) (_ context.Context, stop func()) { return ctx, func() {} }

func pipeEnd(error) error { return nil }
