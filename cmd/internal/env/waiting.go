package env

import (
	"fmt"
	"time"
)

// statusAfter is how long a check may take before a person is told of it.
const statusAfter = 300 * time.Millisecond

// ShowStatus says on a terminal what we are waiting for, if it takes long. The
// line is gone when stop returns. Where stderr is no terminal nothing is said.
func (p *Process) ShowStatus(text string) (stop func()) {
	if !p.ErrTerminal || p.Getenv("TERM") == "dumb" {
		return func() {} // a dumb terminal cannot take a line back
	}
	line := []rune("ssmguard: " + text)
	if p.ErrWidth > 0 {
		line = line[:min(len(line), p.ErrWidth-1)] // of a line that wraps only the end could be taken back
	}
	done, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		select {
		case <-time.After(statusAfter):
			fmt.Fprint(p.Stderr, string(line))
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
