package proxy

import (
	"context"
	"time"
)

const (
	endOfInput  = 0x04                   // what a terminal sends for the end of its input
	endPause    = 500 * time.Millisecond // of silence, before the end of the input is sent again
	endAttempts = 100
)

// EndInput sends Ctrl-D to a far terminal at the end of the input, repeatedly, as every
// reader of a pipe sees its end: the first Ctrl-D may end a program in the shell, the
// next one the shell, and bash loses a Ctrl-D while it runs a command. It is sent when
// the far side is silent, and less often while the silence lasts, because AWS counts it
// as use of the session. whole means that the input ended with a complete line;
// otherwise the first Ctrl-D submits the rest, but in a line editor Ctrl-D has another
// meaning within a line.
//
// output gets a value for each output of the far side. EndInput returns when ctx ends,
// or after its last attempt.
func EndInput(ctx context.Context, output <-chan struct{}, whole bool, send func(key byte)) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	pause := endPause
	for n := range endAttempts {
		if n == 2 && !whole {
			send('\r')
		}
		send(endOfInput)
		timer.Reset(pause)
		pause *= 2
		for silent := false; !silent; {
			select {
			case <-timer.C:
				silent = true
			case <-output:
				pause = endPause
				timer.Reset(pause)
			case <-ctx.Done():
				return
			}
		}
	}
}
