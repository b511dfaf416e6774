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
	if !p.errTerminal {
		return func() {}
	}
	done, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		select {
		case <-time.After(statusAfter):
			fmt.Fprintf(p.stderr, "ssmguard: %s", text)
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
