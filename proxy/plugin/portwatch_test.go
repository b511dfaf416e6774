package plugin

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// The local end counts as open when the plugin waits for connections, in whatever
// pieces it says so, and everything is passed on.
func TestPortWatch(t *testing.T) {
	for name, test := range map[string]struct {
		pieces []string
		want   string // the local end
		last   int    // the piece that tells
	}{
		"port":        {[]string{"\nStarting session\nPort 41", "33 opened for sess", "ionId alice-1.\nWaiting for conn", "ections...\n", "\nConnection accepted\n"}, "4133", 3},
		"all at once": {[]string{"Port 4133 opened for sessionId alice-1.\nWaiting for connections...\n"}, "4133", 0},
		"socket":      {[]string{"Unix socket /tmp/s opened for sessionId alice-1.\n", "Waiting for connections...\n"}, "/tmp/s", 1},
		"no port yet": {[]string{"Waiting for connections...\n"}, "", 0},
		"no text":     {[]string{strings.Repeat("x", 2*longestSign), "\nPort 4133 opened for sessionId a.\nWaiting for connections"}, "", 0},
	} {
		var out bytes.Buffer
		var told []string
		w := &PortWatch{Out: &out, Opened: func(local string) { told = append(told, local) }}
		for i, piece := range test.pieces {
			if n, err := w.Write([]byte(piece)); n != len(piece) || err != nil {
				t.Fatal(n, err)
			}
			if (len(told) > 0) != (test.want != "" && i >= test.last) {
				t.Errorf("%s: after piece %d: %q", name, i, told)
			}
		}
		if want := strings.Fields(test.want); !slices.Equal(told, want) {
			t.Errorf("%s: %q, want %q", name, told, want)
		}
		if out.String() != strings.Join(test.pieces, "") {
			t.Errorf("%s: passed on %.200q", name, out.String())
		}
		if len(w.line) > longestSign {
			t.Errorf("%s: keeps %d bytes of a session that may go on for long", name, len(w.line))
		}
	}
}
