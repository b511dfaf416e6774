package ask

import (
	"fmt"
	"io"
	"sync"
	"text/tabwriter"
	"time"
)

// timings collects where the time before a session went. A nil *timings
// collects nothing.
type timings struct {
	start time.Time

	mu    sync.Mutex
	spans []span
}

type span struct {
	name string
	end  time.Duration // since start
	took time.Duration
}

// newTimings starts the clock.
func newTimings() *timings { return &timings{start: time.Now()} }

// add notes something that has just ended. It may be called concurrently.
func (t *timings) add(name string, took time.Duration) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.spans = append(t.spans, span{name, time.Since(t.start), took})
}

// Span notes the time from now to the call of the function it returns.
func (t *timings) Span(name string) (end func()) {
	began := time.Now()
	return func() { t.add(name, time.Since(began)) }
}

// Print writes a line for each span in the order they ended: when it began,
// counted from the start of the command, how long it took, and what it was.
func (t *timings) Print(w io.Writer) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintln(w, "ssmguard: timings in ms: began, took, what")
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, s := range t.spans {
		fmt.Fprintf(table, "%.1f\t%.1f\t  %s\n", ms(s.end-s.took), ms(s.took), s.name)
	}
	table.Flush()
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
