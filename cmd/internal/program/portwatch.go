package program

import (
	"io"
	"regexp"
	"sync"
)

// PortWatch passes a session's output on and tells when its local port is open.
type PortWatch struct {
	Out  io.Writer
	Port chan string
	seen []byte
	told bool
}

var openedPort = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`Port (\d+) opened for sessionId [^\n]*\n(?s:.*)Waiting for connections`)
})

// Write passes b on.
func (w *PortWatch) Write(b []byte) (int, error) {
	if w.told {
		return w.Out.Write(b)
	}
	w.seen = append(w.seen, b...)
	if m := openedPort().FindSubmatch(w.seen); m != nil {
		w.told, w.seen = true, nil // a session may go on for long
		w.Port <- string(m[1])
	}
	return w.Out.Write(b)
}
