package report

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
	"time"

	"ssmguard/internal/nettext"
	"ssmguard/internal/safetext"
	"ssmguard/proxy"
)

// Events renders the life of tunnels, event by event. It may be used
// concurrently. Errors are of the writer below it.
type Events interface {
	Event(proxy.Event) error
}

// EventJSON renders events for programs: one object a line, as
// schema/event.schema.json describes it.
type EventJSON struct {
	mu  sync.Mutex
	enc *json.Encoder
}

// NewEventJSON returns Events that writes JSON lines.
func NewEventJSON(w io.Writer) *EventJSON {
	return &EventJSON{enc: safetext.NewEncoder(w)}
}

type eventJSON struct {
	Protocol int         `json:"protocol"`
	At       time.Time   `json:"at"`
	Tunnel   string      `json:"tunnel"`
	State    proxy.State `json:"state"`
	Attempt  int         `json:"attempt,omitempty"`
	AfterMs  int64       `json:"afterMs,omitempty"`
	Session  string      `json:"session,omitempty"`
	Listen   string      `json:"listen,omitempty"`
	Leads    string      `json:"leads,omitempty"`
	File     string      `json:"file,omitempty"`
	PauseMs  int64       `json:"pauseMs,omitempty"`
	WithinMs int64       `json:"withinMs,omitempty"`
	Error    string      `json:"error,omitempty"`
	Note     string      `json:"note,omitempty"`
}

// Event implements Events.
func (j *EventJSON) Event(e proxy.Event) error {
	out := eventJSON{
		Protocol: Protocol, At: e.At, Tunnel: e.Tunnel, State: e.State, Attempt: e.Attempt, AfterMs: e.After.Milliseconds(), Session: e.Session,
		Listen: e.Listen, Leads: e.Leads, File: e.File, PauseMs: e.Pause.Milliseconds(), WithinMs: e.Within.Milliseconds(), Note: e.Note,
	}
	if e.Err != nil {
		out.Error = nettext.Of(e.Err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.enc.Encode(out)
}

// EventText renders events for people: a line for each that they can use.
type EventText struct {
	mu     sync.Mutex
	w      io.Writer
	prefix safetext.Own
	teller Teller
}

// NewEventText returns Events that writes lines, each with a prefix.
func NewEventText(w io.Writer, prefix safetext.Own) *EventText {
	return &EventText{w: w, prefix: prefix, teller: make(Teller)}
}

// Event implements Events. What was said of a tunnel last is not said again.
func (t *EventText) Event(e proxy.Event) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	line := t.teller.Line(e)
	if line == "" {
		return nil
	}
	_, err := safetext.Fprintf(t.w, "%s%s: %s\n", t.prefix, e.Tunnel, line)
	return err
}

// Teller holds what was last said of each tunnel's state. Make one with make.
type Teller map[string]told

type told struct{ line, cause string }

// Line returns an event as text for one line without the tunnel's name, "" for those that
// tell a person nothing new: of attempts that fail one after the other for the same
// reason, the first alone.
func (t Teller) Line(e proxy.Event) string {
	if e.Note != "" {
		return e.Note
	}
	before, now := t[e.Tunnel], told{line: stateLine(e)}
	switch {
	case now.line == "":
		return ""
	case e.Err != nil:
		now.cause = numbers().ReplaceAllString(e.Err.Error(), "")
		if e.State == proxy.Waiting && now.cause == before.cause {
			return ""
		}
	}
	t[e.Tunnel] = now
	if now.line == before.line {
		return ""
	}
	return now.line
}

// numbers are what one cause differs in from time to time: ports, request ids.
var numbers = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[0-9a-f-]*[0-9][0-9a-f-]*`) })

// stateLine is a state in words, "" for those that pass by.
func stateLine(e proxy.Event) string {
	why := ""
	if e.Err != nil {
		why = ": " + strings.Join(strings.Fields(nettext.Of(e.Err)), " ")
	}
	if e.Leads != "" && (e.State == proxy.Lost || e.State == proxy.Waiting) {
		why = " (to " + e.Leads + ")" + why
	}
	switch e.State {
	case proxy.Idle:
		if e.Listen != "" {
			return "waits for a connection on " + e.Listen + Origin(e)
		}
	case proxy.Ready:
		if e.After > 0 {
			return Mended(e) + ", ready on " + e.Listen
		}
		return "ready on " + e.Listen + Origin(e)
	case proxy.Lost:
		return "connection lost" + why
	case proxy.Waiting:
		if e.Within > 0 {
			return fmt.Sprintf("trying again for %v%s", max(e.Within.Round(time.Second), time.Second), why)
		}
		return "trying again until it opens" + why
	case proxy.Stopped:
		return "closed"
	case proxy.GaveUp:
		return "gave up" + why
	}
	return ""
}

// Mended returns how long a tunnel that is ready again was lost, and at which attempt it came
// back.
func Mended(e proxy.Event) string {
	text := "mended after " + Elapsed(e.After)
	if e.Attempt > 0 {
		text += fmt.Sprintf(", attempt %d", e.Attempt)
	}
	return text
}

// Elapsed returns a time for people: "0.4s", "12s", "1m5s".
func Elapsed(d time.Duration) string {
	if d < 10*time.Second && d%time.Second != 0 {
		return fmt.Sprintf("%.1fs", max(d, 100*time.Millisecond).Seconds())
	}
	return d.Round(time.Second).String()
}

// Origin returns in parentheses where a tunnel leads, and which file has it; "" if neither is
// known.
func Origin(e proxy.Event) string {
	var parts []string
	if e.Leads != "" {
		parts = append(parts, "to "+e.Leads)
	}
	if e.File != "" {
		parts = append(parts, "of "+e.File)
	}
	if parts == nil {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
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
