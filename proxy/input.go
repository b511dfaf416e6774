package proxy

import (
	"context"
	"time"
)

const (
	endOfInput  = 0x04                   // what a terminal sends for the end of its input
	endPause    = 500 * time.Millisecond // of silence, before the end of the input is told again
	endAttempts = 100
)

// EndInput tells a far terminal that there is no more input, again and again,
// as the end of a pipe is told to everybody who reads it: the first Ctrl-D may
// end a program in the shell, the next the shell, and the one that comes while
// bash runs a command is lost. It is told when the far side has fallen silent, and
// ever more rarely if it stays so, since AWS counts it as use of the session.
// whole says that the input ended with a whole line; if not, a Ctrl-D hands the
// rest over, but to a line editor it means something else until the line is done.
//
// output gets a value whenever the far side has said something. EndInput returns
// when ctx ends, or when there is no hope left.
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
