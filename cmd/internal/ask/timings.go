package ask

import (
	"fmt"
	"io"
	"sync"
	"text/tabwriter"
	"time"

	"ssmguard/internal/safetext"
)

// timings records how the time before a session was spent. A nil *timings records
// nothing.
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

// add records a span that has just ended. It may be called concurrently.
func (t *timings) add(name string, took time.Duration) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.spans = append(t.spans, span{name, time.Since(t.start), took})
}

// Span records the time from now to the call of the returned function.
func (t *timings) Span(name string) (end func()) {
	began := time.Now()
	return func() { t.add(name, time.Since(began)) }
}

// Print writes a line for each span in the order they ended: its begin, counted from
// the start of the command, its length, and its name.
func (t *timings) Print(w io.Writer) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintln(w, "ssmguard: timings in ms: began, took, what")
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, s := range t.spans {
		safetext.Fprintf(table, "%.1f\t%.1f\t  %s\n", ms(s.end-s.took), ms(s.took), s.name)
	}
	safetext.Fprintf(table, "%.1f\t%.1f\t  %s\n", 0.0, ms(time.Since(t.start)), "all until now")
	table.Flush()
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
