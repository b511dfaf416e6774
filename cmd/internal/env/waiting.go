package env

import (
	"fmt"
	"time"

	"ssmguard/internal/safetext"
)

// statusAfter is the time after which a status line is shown.
const statusAfter = 300 * time.Millisecond

// ShowStatus shows a status line on a terminal if an operation takes long. The line is
// erased when stop returns. Where stderr is not a terminal nothing is shown.
func (p *Process) ShowStatus(text string) (stop func()) {
	if !p.ErrTerminal || p.Getenv("TERM") == "dumb" {
		return func() {} // a dumb terminal cannot erase a line
	}
	line := []rune("ssmguard: " + safetext.Line(text))
	if p.ErrWidth > 0 {
		line = line[:min(len(line), p.ErrWidth-1)] // of a wrapped line only the end could be erased
	}
	done, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		select {
		case <-time.After(statusAfter):
			safetext.Fprintf(p.Stderr, "%s", safetext.Own(line))
			<-done
			fmt.Fprint(p.Stderr, "\r\x1b[K")
		case <-done:
		}
	}()
	return func() {
		close(done)
		<-gone
	}
}
