package plugin

import (
	"bytes"
	"io"
	"os"

	"golang.org/x/term"
)

// PortWatch passes what a plugin says on, unchanged, and tells once when the plugin
// waits for connections.
type PortWatch struct {
	Out    io.Writer
	Opened func(local string) // told the port, or the path of the socket

	line  []byte // the beginning of the current line
	local string // what is open
	over  bool   // nothing more is looked for
}

// The plugin says "Port 4133 opened for sessionId alice-1." and, on a later line,
// "Waiting for connections...".
var (
	opened  = []byte(" opened for sessionId ")
	waiting = []byte("Waiting for connections")
)

// longestSign is how long the line may be that has a sign; a longer one is no text.
const longestSign = 4096

// Write implements io.Writer.
func (w *PortWatch) Write(b []byte) (int, error) {
	n, err := w.Out.Write(b)
	for _, part := range bytes.SplitAfter(b[:n], []byte("\n")) {
		if w.over {
			break
		}
		w.line = append(w.line, part...)
		w.look()
		if bytes.HasSuffix(part, []byte("\n")) {
			w.line = w.line[:0]
		}
	}
	return n, err
}

func (w *PortWatch) look() {
	before, _, found := bytes.Cut(w.line, opened)
	switch {
	case found:
		w.local = string(before[bytes.LastIndexByte(before, ' ')+1:])
	case w.local != "" && bytes.Contains(w.line, waiting):
		w.over, w.line = true, nil
		w.Opened(w.local)
	case len(w.line) > longestSign:
		w.over, w.line = true, nil
	}
}

// watchOutput looks for the sign that a port is open in what an external plugin
// says. A terminal is left to the plugin itself, as is everything when nobody asks:
// the end of a pipe's reader is then the plugin's.
func watchOutput(out io.Writer, ready func()) io.Writer {
	if f, ok := out.(*os.File); ok && (f == nil || term.IsTerminal(int(f.Fd()))) || out == nil || ready == nil {
		return out
	}
	return &PortWatch{Out: out, Opened: func(string) { ready() }}
}
