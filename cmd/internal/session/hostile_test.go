package session

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"ssmguard/internal/safetext/safetexttest"
	"ssmguard/proxy/channel"
)

// TestHostileScreen: nothing that the far end has us say of a session (the customer's
// message, refusals, the cause of a loss) acts on the terminal or imitates us.
func TestHostileScreen(t *testing.T) {
	for _, text := range safetexttest.Texts {
		for kind := channel.EventKind(0); kind <= channel.Message+3; kind++ {
			for _, state := range []string{"file", "terminal", "shared", "full screen", "interactive"} {
				var out, notes bytes.Buffer
				s := newScreen(&out, &notes, state != "file")
				s.shared, s.fullScreen = state == "shared" || state == "full screen", state == "full screen"
				s.event(channel.Event{Kind: kind, Err: errors.New(text), Text: text})
				s.note(text)
				s.interactive = state == "interactive"
				s.event(channel.Event{Kind: kind, Err: errors.New(text), Text: text})
				s.end()
				said := strings.ReplaceAll(notes.String(), "\r\n", "\n")
				if fault := safetexttest.Fault(said, "\x1b7\x1b[H\x1b[7m", "\x1b[m\x1b[K\x1b8"); fault != "" {
					t.Errorf("%s, event %d: %s", state, kind, fault)
				}
				if !strings.Contains(said, "ssmguard: ") {
					t.Errorf("%s, event %d: nothing was said", state, kind)
				}
			}
		}
	}
}

// TestScreenParagraph: a message of several lines is indented below our own line.
func TestScreenParagraph(t *testing.T) {
	var notes bytes.Buffer
	s := newScreen(&bytes.Buffer{}, &notes, false)
	s.note("welcome\r\nto web-1\n  be good\n")
	if want := "ssmguard: welcome\n  to web-1\n  be good\n"; notes.String() != want {
		t.Errorf("%q, want %q", notes.String(), want)
	}
}
