package report

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

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
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return &EventJSON{enc: enc}
}

type eventJSON struct {
	Protocol int         `json:"protocol"`
	At       time.Time   `json:"at"`
	Tunnel   string      `json:"tunnel"`
	State    proxy.State `json:"state"`
	Attempt  int         `json:"attempt,omitempty"`
	Session  string      `json:"session,omitempty"`
	Listen   string      `json:"listen,omitempty"`
	PauseMs  int64       `json:"pauseMs,omitempty"`
	Error    string      `json:"error,omitempty"`
	Note     string      `json:"note,omitempty"`
}

// Event implements Events.
func (j *EventJSON) Event(e proxy.Event) error {
	out := eventJSON{
		Protocol: Protocol, At: e.At, Tunnel: e.Tunnel, State: e.State, Attempt: e.Attempt, Session: e.Session,
		Listen: e.Listen, PauseMs: e.Pause.Milliseconds(), Note: e.Note,
	}
	if e.Err != nil {
		out.Error = e.Err.Error()
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.enc.Encode(out)
}

// EventText renders events for people: a line for each that they can use.
type EventText struct {
	mu     sync.Mutex
	w      io.Writer
	prefix string
	told   map[string]string // the last line of each tunnel
}

// NewEventText returns Events that writes lines, each with a prefix.
func NewEventText(w io.Writer, prefix string) *EventText {
	return &EventText{w: w, prefix: prefix, told: make(map[string]string)}
}

// Event implements Events. What was said of a tunnel last is not said again.
func (t *EventText) Event(e proxy.Event) error {
	line := EventLine(e)
	t.mu.Lock()
	defer t.mu.Unlock()
	if line == "" || e.Note == "" && t.told[e.Tunnel] == line {
		return nil
	}
	if e.Note == "" {
		t.told[e.Tunnel] = line
	}
	_, err := fmt.Fprintf(t.w, "%s%s: %s\n", t.prefix, e.Tunnel, line)
	return err
}

// EventLine is an event as one line without the tunnel's name, "" for those that
// tell a person nothing.
func EventLine(e proxy.Event) string {
	why := ""
	if e.Err != nil {
		why = ": " + strings.Join(strings.Fields(e.Err.Error()), " ")
	}
	switch {
	case e.Note != "":
		return e.Note
	case e.State == proxy.Ready:
		return "ready on " + e.Listen
	case e.State == proxy.Lost:
		return "connection lost" + why
	case e.State == proxy.Waiting:
		return fmt.Sprintf("next attempt in %v", max(e.Pause.Round(time.Second), time.Second))
	case e.State == proxy.Stopped:
		return "closed"
	case e.State == proxy.GaveUp:
		return "gave up" + why
	}
	return ""
}
