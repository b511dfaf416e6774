package report

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"ssmguard/proxy"
)

// LiveRow is a tunnel at one moment.
type LiveRow struct {
	Tunnel   string
	State    proxy.State
	Listen   string
	Open     int   // connections
	Up, Down int64 // bytes so far
	Resumed  int64 // connections to the account lost and regained
	Expires  time.Time
}

// Live shows tunnels on a terminal: a line for each, renewed as long as Run
// runs, and above them what happens. It is Events.
type Live struct {
	w    io.Writer
	rows func() []LiveRow

	mu     sync.Mutex
	drawn  int // lines that the next drawing goes over
	before map[string]LiveRow
	at     time.Time
}

// NewLive returns a Live on a terminal. rows is asked whenever the lines are drawn.
func NewLive(w io.Writer, rows func() []LiveRow) *Live {
	return &Live{w: w, rows: rows, before: make(map[string]LiveRow)}
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

// Event implements Events: what is not to be seen in the lines is told above them.
func (l *Live) Event(e proxy.Event) error {
	text := EventLine(e)
	if text == "" || e.State == proxy.Ready && e.Note == "" {
		return nil
	}
	return l.say(fmt.Sprintf("%s %s: %s\n", e.At.Format(time.TimeOnly), e.Tunnel, text))
}

// say writes above the lines; rows is not asked, for its owner may be telling us.
func (l *Live) say(text string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := io.WriteString(l.w, l.erase()+text)
	l.drawn = 0
	return err
}

func (l *Live) erase() string {
	if l.drawn == 0 {
		return ""
	}
	return fmt.Sprintf("\x1b[%dA\x1b[J", l.drawn)
}

func (l *Live) draw(now time.Time) {
	rows := l.rows()
	l.mu.Lock()
	defer l.mu.Unlock()
	var b strings.Builder
	b.WriteString(l.erase())
	for _, r := range rows {
		b.WriteString(l.line(r, now) + "\n")
		l.before[r.Tunnel] = r
	}
	l.drawn, l.at = len(rows), now
	io.WriteString(l.w, b.String()) //nolint:errcheck // a terminal that is gone ends the command otherwise
}

// line is one tunnel in less than a terminal's width.
func (l *Live) line(r LiveRow, now time.Time) string {
	passed := now.Sub(l.at).Seconds()
	before, known := l.before[r.Tunnel]
	rate := func(is, was int64) string {
		if !known || passed <= 0 {
			return "0 B/s"
		}
		return Bytes(int64(float64(is-was)/passed)) + "/s"
	}
	text := fmt.Sprintf("%-12s %-7s %-21s %d open  up %s %s  down %s %s", r.Tunnel, r.State, r.Listen, r.Open,
		Bytes(r.Up), rate(r.Up, before.Up), Bytes(r.Down), rate(r.Down, before.Down))
	if r.Resumed > 0 {
		text += fmt.Sprintf("  resumed %d", r.Resumed)
	}
	if !r.Expires.IsZero() {
		text += fmt.Sprintf("  credentials %v", r.Expires.Sub(now).Round(time.Minute))
	}
	return text
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
