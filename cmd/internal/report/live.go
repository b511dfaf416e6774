package report

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"ssmguard/internal/safetext"
	"ssmguard/proxy"
)

// LiveRow is a tunnel at one moment.
type LiveRow struct {
	Tunnel     string
	State      proxy.State
	Listen     string
	Open       int   // connections
	Up, Down   int64 // bytes so far
	Reconnects int   // times it was lost and came back
	Expires    time.Time
}

// Live shows tunnels on a terminal: a line for each, renewed as long as Run
// runs, and above them what happens. It is Events.
type Live struct {
	w     io.Writer
	width func() int
	rows  func() []LiveRow

	mu     sync.Mutex
	teller teller
	drawn  int // lines that the next drawing goes over
	before map[string]LiveRow
	origin map[string]string // of each tunnel that was ready, as it was told
	at     time.Time
}

// NewLive returns a Live on a terminal. Its width in columns, 0 if that is not
// known, and the rows are asked whenever the lines are drawn.
func NewLive(w io.Writer, width func() int, rows func() []LiveRow) *Live {
	return &Live{w: w, width: width, rows: rows, teller: make(teller), before: make(map[string]LiveRow), origin: make(map[string]string)}
}

// drawEvery is how often the lines are renewed.
const drawEvery = time.Second

// Run draws until ctx ends.
func (l *Live) Run(ctx context.Context) {
	tick := time.NewTicker(drawEvery)
	defer tick.Stop()
	for {
		l.draw(time.Now())
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// Event implements Events: what is not to be seen in the lines is told above
// them, where a tunnel leads once. rows is not asked, for its owner may be telling us.
func (l *Live) Event(e proxy.Event) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := l.teller.line(e)
	if e.State == proxy.Ready && e.Note == "" {
		from := origin(e)
		if l.origin[e.Tunnel] == from {
			return nil // the line says ready
		}
		l.origin[e.Tunnel] = from
	}
	if text == "" {
		return nil
	}
	_, err := safetext.Fprintf(l.w, "%s%s %s: %s\n", safetext.Own(l.erase()), e.At.Format(time.TimeOnly), e.Tunnel, text)
	l.drawn = 0
	return err
}

// Write implements io.Writer for whole lines of others, which go above ours.
func (l *Live) Write(lines []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, err := io.WriteString(l.w, l.erase()); err != nil {
		return 0, err
	}
	l.drawn = 0
	return l.w.Write(lines)
}

func (l *Live) erase() string {
	if l.drawn == 0 {
		return ""
	}
	return fmt.Sprintf("\r\x1b[%dA\x1b[J", l.drawn) // from the first column: a key may have been echoed
}

func (l *Live) draw(now time.Time) {
	rows := l.rows()
	l.mu.Lock()
	defer l.mu.Unlock()
	var name, listen int
	for _, r := range rows {
		name, listen = max(name, utf8.RuneCountInString(safetext.Line(r.Tunnel))), max(listen, utf8.RuneCountInString(safetext.Line(r.Listen)))
	}
	var b strings.Builder
	b.WriteString(l.erase())
	for _, r := range rows {
		head := safetext.Sprintf("%-*s  %-7s  %-*s  ", name, r.Tunnel, r.State, listen, r.Listen)
		b.WriteString(l.fit(head, r, now) + "\n")
		l.before[r.Tunnel] = r
	}
	l.drawn, l.at = len(rows), now
	io.WriteString(l.w, b.String()) //nolint:errcheck // a terminal that is gone ends the command otherwise
}

// fit makes one row one line of the terminal, without the sums if that is too
// long: a line that is wrapped could not be erased.
func (l *Live) fit(head string, r LiveRow, now time.Time) string {
	line, width := head+l.traffic(r, now, true), l.width()
	if width <= 0 || utf8.RuneCountInString(line) < width {
		return line
	}
	short := []rune(head + l.traffic(r, now, false))
	return string(short[:min(len(short), width-1)])
}

// traffic is what a row says after its address.
func (l *Live) traffic(r LiveRow, now time.Time, sums bool) string {
	passed := now.Sub(l.at).Seconds()
	before, known := l.before[r.Tunnel]
	flow := func(is, was int64) string {
		rate := "0 B/s"
		if known && passed > 0 {
			rate = Bytes(int64(float64(is-was)/passed)) + "/s"
		}
		if !sums {
			return rate
		}
		return Bytes(is) + " " + rate
	}
	text := fmt.Sprintf("%d open  up %s  down %s", r.Open, flow(r.Up, before.Up), flow(r.Down, before.Down))
	if r.Reconnects > 0 {
		text += fmt.Sprintf("  reconnects %d", r.Reconnects)
	}
	if !r.Expires.IsZero() {
		text += "  credentials " + remaining(r.Expires.Sub(now))
	}
	return text
}

// remaining is how long something still holds, for people: "1h5m", "9m", "20s".
func remaining(d time.Duration) string {
	switch {
	case d <= 0:
		return "expired"
	case d < time.Minute:
		return d.Truncate(time.Second).String()
	}
	return strings.TrimSuffix(d.Truncate(time.Minute).String(), "0s")
}

// Bytes is a number of bytes for people: "0 B", "1.5 MiB".
func Bytes(n int64) string {
	if n < 1<<10 {
		return fmt.Sprintf("%d B", n)
	}
	v, unit := float64(n)/(1<<10), 0
	for units := "KMGTP"; v >= 1024 && unit < len(units)-1; unit++ {
		v /= 1024
	}
	return fmt.Sprintf("%.1f %ciB", v, "KMGTP"[unit])
}
