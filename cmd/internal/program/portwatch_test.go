package program

import (
	"bytes"
	"testing"
)

// The port counts as open when the plugin waits for connections, in whatever pieces it says so.
func TestPortWatch(t *testing.T) {
	var out bytes.Buffer
	w := &PortWatch{Out: &out, Port: make(chan string, 1)}
	pieces := []string{"\nStarting session\nPort 41", "33 opened for sess", "ionId alice-1.\nWaiting for conn", "ections...\n", "\nConnection accepted\n"}
	for i, piece := range pieces {
		if _, err := w.Write([]byte(piece)); err != nil {
			t.Fatal(err)
		}
		if told := len(w.Port) > 0; told != (i >= 3) {
			t.Errorf("after piece %d: told %v", i, told)
		}
	}
	if len(w.seen) > 0 {
		t.Errorf("keeps %q of a session that may go on for long", w.seen)
	}
	if port := <-w.Port; port != "4133" {
		t.Errorf("port %s", port)
	}
	if got := out.String(); got != "\nStarting session\nPort 4133 opened for sessionId alice-1.\nWaiting for connections...\n\nConnection accepted\n" {
		t.Errorf("passed on %q", got)
	}
}
