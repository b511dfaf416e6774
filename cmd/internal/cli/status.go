package cli

import (
	"fmt"
	"time"
)

// statusAfter is how long a check may take before a person is told of it.
const statusAfter = 300 * time.Millisecond

// showStatus says on a terminal what we are waiting for, if it takes long. The
// line is gone when stop returns. Where stderr is no terminal nothing is said.
func (p *process) showStatus(text string) (stop func()) {
	if !p.errTerminal || p.getenv("TERM") == "dumb" {
		return func() {} // a dumb terminal cannot take a line back
	}
	line := []rune("ssmguard: " + text)
	if p.errWidth > 0 {
		line = line[:min(len(line), p.errWidth-1)] // of a line that wraps only the end could be taken back
	}
	done, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		select {
		case <-time.After(statusAfter):
			fmt.Fprint(p.stderr, string(line))
			<-done
			fmt.Fprint(p.stderr, "\r\x1b[K")
		case <-done:
		}
	}()
	return func() {
		close(done)
		<-gone
	}
}
