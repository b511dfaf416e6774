package live

import (
	"cmp"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"ssmguard/cmd/internal/report"
	"ssmguard/internal/safetext"
	"ssmguard/proxy"
)

// Row is a tunnel at one moment.
type Row struct {
	Tunnel     string
	State      proxy.State
	Called     string    // a state that is none of proxy's, such as down; "" for one of those
	Listen     string    // its local end
	Far        string    // its far end
	Target     string    // the target that it leads through; "" if Far names it
	Since      time.Time // since when it is not ready
	Attempt    int       // the attempt under way, or the next one while it waits; 0 before the first
	Next       time.Time // when the next attempt comes, while it waits
	Why        string    // why it is not ready; "" if that is not known
	Open       int       // connections
	Sent       int64     // bytes so far
	Received   int64     // bytes so far
	Rate       int64     // bytes per second that the path has been found to carry up; 0 when that is not known
	Reconnects int       // times it was lost and came back
	Expires    time.Time // of the credentials
}

// line is a row as text.
type line struct{ head, state, tail string }

// detail is how much a line says of a tunnel that is ready.
type detail int

const (
	everything detail = iota
	ratesAlone        // without the sums
	farEnd            // without the target
	openAlone         // without the rates
	endsAlone         // without traffic
	localEnd          // without the far end
	leastDetail
)

// lines returns the rows as lines of one terminal each, with the most detail that has room in
// all of them: a line that is broken could not be erased.
func (d *Display) lines(rows []Row, columns int, now time.Time) []line {
	var name, listen int
	for _, r := range rows {
		name, listen = max(name, width(safetext.Line(r.Tunnel))), max(listen, width(safetext.Line(r.Listen)))
	}
	var lines []line
	for level := everything; level < leastDetail; level++ {
		lines = lines[:0]
		fits := true
		for _, r := range rows {
			l := line{head: safetext.Sprintf("%-*s  ", name, r.Tunnel), state: safetext.Line(cmp.Or(r.Called, r.State.String()))}
			l.tail = strings.Repeat(" ", max(stateWidth-len(l.state), 0)) + "  "
			switch pending := r.Pending(now); {
			case r.Called == "" && r.State == proxy.Ready, pending == "" && r.Listen != "":
				l.tail += safetext.Sprintf("%-*s", listen, r.Listen) + d.more(r, level, now)
				fits = fits && (columns <= 0 || width(l.head+l.state+l.tail) < columns)
			default:
				if far := r.leads(level); far != "" && (columns <= 0 || width(l.head+l.state+l.tail+far+"  "+pending) < columns) {
					l.tail += strings.TrimRight(far+"  "+pending, " ")
					break
				}
				l.tail += pending // why it is not ready matters more
			}
			lines = append(lines, l)
		}
		if fits {
			break
		}
	}
	for i := range lines {
		lines[i] = lines[i].cut(columns)
	}
	return lines
}

// stateWidth is the width of the longest state.
const stateWidth = len("opening")

// more is what a tunnel that is ready says after its local end.
func (d *Display) more(r Row, level detail, now time.Time) string {
	text := ""
	if far := r.leads(level); far != "" {
		text = " " + far
	}
	if level >= endsAlone {
		return text
	}
	if r.Open > 0 || r.Sent > 0 || r.Received > 0 {
		text += fmt.Sprintf("  %d open", r.Open)
		if level < openAlone {
			text += "  up " + flowing(r.Sent, d.flow.sent[r.Tunnel], level)
			if r.Rate > 0 && level == everything {
				text += " of " + report.Bytes(r.Rate) + "/s"
			}
			text += "  down " + flowing(r.Received, d.flow.received[r.Tunnel], level)
		}
	}
	if level > farEnd {
		return text
	}
	if r.Reconnects > 0 {
		text += fmt.Sprintf("  reconnects %d", r.Reconnects)
	}
	if !r.Expires.IsZero() {
		text += "  credentials " + remaining(r.Expires.Sub(now))
	}
	return text
}

// leads is where a tunnel leads, "" if that is not known, or has no room.
func (r Row) leads(level detail) string {
	if r.Far == "" || level >= localEnd {
		return ""
	}
	text := safetext.Sprintf("to %s", r.Far)
	if r.Target != "" && level < farEnd {
		text += safetext.Sprintf(" through %s", r.Target)
	}
	return text
}

// flowing is a number of bytes and how many pass in a second.
func flowing(sum, rate int64, level detail) string {
	text := report.Bytes(rate) + "/s"
	if level == everything {
		text = report.Bytes(sum) + " " + text
	}
	return text
}

// Pending returns what a tunnel that is not ready waits for: which attempt, when it comes, since
// when, and why; "" for one that is ready.
func (r Row) Pending(now time.Time) string {
	var parts []string
	if attempt := max(r.Attempt, 1); attempt > 1 || !r.Next.IsZero() {
		text := fmt.Sprintf("attempt %d", attempt)
		if left := r.Next.Sub(now); left > 0 {
			text += " in " + report.Elapsed(left.Truncate(time.Second)+time.Second)
		}
		parts = append(parts, text)
	}
	if since := now.Sub(r.Since); !r.Since.IsZero() && since >= time.Second {
		parts = append(parts, "for "+report.Elapsed(since.Truncate(time.Second)))
	}
	text := strings.Join(parts, ", ")
	why := safetext.Line(brief(r.Why))
	switch {
	case why == "":
		return text
	case text == "":
		return why
	}
	return text + ": " + why
}

// brief is an error without the words that every error of the AWS CLI begins with: its code and
// its message.
func brief(why string) string {
	code, ok := strings.CutPrefix(why, "An error occurred (")
	code, message, isError := strings.Cut(code, ") when calling the ")
	_, message, hasMessage := strings.Cut(message, " operation: ")
	if !ok || !isError || !hasMessage {
		return why
	}
	return code + ": " + message
}

// cut shortens a line to less than a number of columns, 0 for one that is not known.
func (l line) cut(columns int) line {
	if columns <= 0 || width(l.head+l.state+l.tail) < columns {
		return l
	}
	left := columns - 1
	for _, part := range []*string{&l.head, &l.state, &l.tail} {
		*part = first(*part, left)
		left -= width(*part)
	}
	return l
}

// cut shortens a text to less than a number of columns, 0 for one that is not known.
func cut(text string, columns int) string {
	if columns <= 0 {
		return text
	}
	return first(text, columns-1)
}

// first returns the first characters of a text.
func first(text string, n int) string {
	if runes := []rune(text); len(runes) > n {
		return string(runes[:max(n, 0)])
	}
	return text
}

func width(text string) int { return utf8.RuneCountInString(text) }

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

// Painted is a state, or what contains its name, in its colour for a terminal: ready is green,
// what is on its way yellow, what has ended by itself red.
func Painted(state, text string, colour bool) safetext.Own {
	var code string
	switch state {
	case "ready":
		code = "32"
	case "opening", "waiting", "lost":
		code = "33"
	case "gaveup", "crashed":
		code = "31"
	}
	text = safetext.Line(text)
	if !colour || code == "" {
		return safetext.Own(text)
	}
	return safetext.Own("\x1b[" + code + "m" + text + "\x1b[m")
}
