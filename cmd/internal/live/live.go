package live

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"ssmguard/cmd/internal/report"
	"ssmguard/internal/safetext"
	"ssmguard/internal/screen"
	"ssmguard/proxy"
)

// Terminal is the terminal of a Display.
type Terminal struct {
	// Size returns its columns and rows, 0 for what is not known.
	Size   func() (columns, rows int)
	Colour bool
}

// Display shows tunnels on a terminal: a line for each, drawn anew as long as Run runs, and
// above them what happens. It implements report.Events.
type Display struct {
	w        io.Writer
	terminal Terminal
	rows     func() []Row
	foot     string
	changed  chan struct{} // signals that the lines are to be drawn at once

	mu     sync.Mutex
	teller report.Teller
	drawn  []int             // widths of the lines on the screen that the next drawing goes over
	origin map[string]string // of each tunnel that was ready, as it was told
	flow   flow
}

// New returns a Display on a terminal. The rows are asked for whenever the lines are drawn.
// foot is a line below them, "" for none.
func New(w io.Writer, terminal Terminal, rows func() []Row, foot string) *Display {
	return &Display{w: w, terminal: terminal, rows: rows, foot: foot, changed: make(chan struct{}, 1),
		teller: make(report.Teller), origin: make(map[string]string)}
}

const (
	// drawEvery is how often the lines are drawn anew.
	drawEvery = time.Second
	// lookEvery is how often the terminal is asked for its size.
	lookEvery = 100 * time.Millisecond
)

// Run draws until ctx ends: once a second, after each event, and when the terminal has another
// size.
func (d *Display) Run(ctx context.Context) {
	tick, look := time.NewTicker(drawEvery), time.NewTicker(lookEvery)
	defer tick.Stop()
	defer look.Stop()
	columns, rows := d.terminal.Size()
	for {
		d.draw(time.Now(), true)
		for waiting := true; waiting; {
			select {
			case <-tick.C:
				waiting = false
			case <-d.changed:
				waiting = false
			case <-look.C:
				c, r := d.terminal.Size()
				waiting = c == columns && r == rows
				columns, rows = c, r
			case <-ctx.Done():
				d.draw(time.Now(), false)
				return
			}
		}
	}
}

// Event implements report.Events: what is not to be seen in the lines is told above them,
// where a tunnel leads once. rows is not asked here, for its owner may be telling us.
func (d *Display) Event(e proxy.Event) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	defer proxy.Signal(d.changed)
	text := d.teller.Line(e)
	if e.Listens() {
		from := report.Origin(e)
		known := d.origin[e.Tunnel] == from
		d.origin[e.Tunnel] = from
		switch {
		case e.After > 0 && known:
			text = report.Mended(e)
		case known:
			return nil // the line says ready, or idle
		}
	}
	if text == "" {
		return nil
	}
	columns, _ := d.terminal.Size()
	text = safetext.Sprintf("%s %s: %s\n", e.At.Format(time.TimeOnly), e.Tunnel, text)
	_, err := io.WriteString(d.w, d.erase()+screen.Lines(text, columns))
	return err
}

// Write implements io.Writer for whole lines of others, which go above ours.
func (d *Display) Write(lines []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	defer proxy.Signal(d.changed)
	if _, err := io.WriteString(d.w, d.erase()); err != nil {
		return 0, err
	}
	return d.w.Write(lines)
}

// Redraw has the lines drawn at once, as their rows have changed.
func (d *Display) Redraw() { proxy.Signal(d.changed) }

// erase returns the output that erases the lines on the screen. A terminal that was made
// narrower since has broken them.
func (d *Display) erase() string {
	columns, _ := d.terminal.Size()
	erased := screen.Erase(columns, d.drawn...)
	d.drawn = nil
	return erased
}

// draw draws the lines in place of the last ones, with the foot as long as the tunnels are kept
// open.
func (d *Display) draw(now time.Time, open bool) {
	rows := d.rows()
	d.mu.Lock()
	defer d.mu.Unlock()
	columns, height := d.terminal.Size()
	var b strings.Builder
	b.WriteString(d.erase())
	put := func(l line) {
		b.WriteString(l.head + string(Painted(l.state, l.state, d.terminal.Colour)) + l.tail + "\n")
		d.drawn = append(d.drawn, width(l.head+l.state+l.tail))
	}
	rest := 0
	if most := height - 2; height > 0 && len(rows) > most { // lines that scroll away cannot be erased
		most = max(most-1, 1)
		rows, rest = rows[:most], len(rows)-most
	}
	d.flow.look(rows, now)
	for _, l := range d.lines(rows, columns, now) {
		put(l)
	}
	if rest > 0 {
		put(line{head: cut(fmt.Sprintf("and %d more; ssmguard tunnel ls lists all", rest), columns)})
	}
	if d.foot != "" && open {
		put(line{head: cut(d.foot, columns)})
	}
	io.WriteString(d.w, b.String()) //nolint:errcheck // a terminal that is gone ends the command otherwise
}

// flow measures what passes through tunnels per second.
type flow struct {
	at             time.Time      // of the rows before
	before         map[string]Row // by tunnel
	sent, received map[string]int64
}

// look takes the rows of a moment. Less than a second after the last ones it changes nothing:
// a short time gives no rate.
func (f *flow) look(rows []Row, now time.Time) {
	passed := now.Sub(f.at)
	if f.before != nil && passed < drawEvery/2 {
		return
	}
	before := f.before
	f.at, f.before, f.sent, f.received = now, make(map[string]Row), make(map[string]int64), make(map[string]int64)
	for _, r := range rows {
		f.before[r.Tunnel] = r
		if was, known := before[r.Tunnel]; known {
			f.sent[r.Tunnel] = int64(float64(r.Sent-was.Sent) / passed.Seconds())
			f.received[r.Tunnel] = int64(float64(r.Received-was.Received) / passed.Seconds())
		}
	}
}
