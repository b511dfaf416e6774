package env

import (
	"fmt"
	"time"
	"unicode/utf8"

	"ssmguard/internal/safetext"
	"ssmguard/internal/screen"
)

const (
	// statusAfter is the time after which a status line is shown.
	statusAfter = 300 * time.Millisecond
	// statusEvery is how often it says anew how long it has taken.
	statusEvery = time.Second
)

// status is a line that is shown while an operation takes long.
type status struct {
	end  chan struct{} // closed when the line is not to be shown any more
	gone chan struct{} // closed when it is erased
}

// ShowStatus shows a line on a terminal while an operation takes long: what is done, for how
// long, and within is the time that it may take, 0 if that is not known. The line is erased when
// stop returns. Where stderr is not a terminal, or shows another such line, nothing is shown.
func (p *Process) ShowStatus(text string, within time.Duration) (stop func()) {
	if !p.ErrTerminal || p.Getenv("TERM") == "dumb" {
		return func() {} // a dumb terminal cannot erase a line
	}
	p.statusMu.Lock()
	defer p.statusMu.Unlock()
	if p.status != nil {
		return func() {}
	}
	s := &status{end: make(chan struct{}), gone: make(chan struct{})}
	p.status = s
	go func() {
		defer close(s.gone)
		p.show(s, safetext.Line(text), within)
	}()
	return func() { p.endStatus(s) }
}

// HideStatus ends the line that is shown, for a question on the terminal.
func (p *Process) HideStatus() { p.endStatus(nil) }

// endStatus ends a status line, nil for the present one, and returns when it is erased.
func (p *Process) endStatus(s *status) {
	p.statusMu.Lock()
	defer p.statusMu.Unlock()
	if p.status == nil || s != nil && p.status != s {
		return
	}
	close(p.status.end)
	<-p.status.gone
	p.status = nil
}

// show draws a status line until it ends.
func (p *Process) show(s *status, text string, within time.Duration) {
	began := time.Now()
	next := time.NewTimer(statusAfter)
	defer next.Stop()
	drawn := 0 // width of the line on the screen
	for {
		select {
		case <-next.C:
		case <-s.end:
			fmt.Fprint(p.Stderr, erased(drawn, p.errWidth()))
			return
		}
		line := "ssmguard: " + text
		passed := time.Since(began).Truncate(time.Second)
		if passed > 0 {
			line += ", " + passed.String()
		}
		if passed > 0 && within > 0 {
			line += " of at most " + within.String()
		}
		width := p.errWidth()
		runes := []rune(line)
		if width > 0 {
			runes = runes[:min(len(runes), width-1)] // a broken line could not be erased
		}
		safetext.Fprintf(p.Stderr, "%s%s", safetext.Own(erased(drawn, width)), safetext.Own(runes))
		drawn = utf8.RuneCountInString(string(runes))
		next.Reset(statusEvery - time.Since(began)%statusEvery)
	}
}

// erased returns what erases a line of a width, which a terminal that was made narrower since
// has broken; "" for none.
func erased(drawn, width int) string {
	switch {
	case drawn == 0:
		return ""
	case screen.Rows(width, drawn) > 1: // the cursor is in the last of them
		return fmt.Sprintf("\r\x1b[%dA\x1b[J", screen.Rows(width, drawn)-1)
	}
	return "\r\x1b[K"
}

// errWidth is the width of the terminal that stderr is, now.
func (p *Process) errWidth() int {
	if width := Width(p.Stderr); width > 0 {
		return width
	}
	return p.ErrWidth
}
