package session

import (
	"fmt"
	"os"
	"sync"

	"golang.org/x/term"

	"ssmguard/cmd/internal/env"
	"ssmguard/proxy"
	"ssmguard/proxy/channel/wire"
)

// terminal is the user's terminal while a shell has it.
type terminal struct {
	in   *os.File // nil: the input is no terminal
	view *os.File // whose size is the shell's; nil: none of the streams is a terminal

	mu     sync.Mutex
	before *term.State // as we found it; nil: never changed
	wanted bool        // it is to be raw
}

func newTerminal(streams proxy.Streams) *terminal {
	t := new(terminal)
	if env.IsTerminal(streams.In) {
		t.in = env.FileOf(streams.In)
	}
	for _, s := range []any{streams.Out, streams.In, streams.Err} {
		if t.view == nil && env.IsTerminal(s) {
			t.view = env.FileOf(s)
		}
	}
	return t
}

// keys opens the terminal once more, if it can: a read of that file can be ended,
// so that what is typed after the session is left to the local shell.
func (t *terminal) keys() (in *os.File, done func()) {
	again, err := os.Open(fmt.Sprintf("/proc/self/fd/%d", t.in.Fd()))
	if err != nil {
		return t.in, func() {}
	}
	return again, func() { again.Close() }
}

// raw makes keys into bytes, also Ctrl-C and its kin.
func (t *terminal) raw() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.wanted = true
	return t.makeRaw()
}

func (t *terminal) makeRaw() error {
	if t.in == nil || !t.wanted {
		return nil
	}
	state, err := term.MakeRaw(int(t.in.Fd()))
	if err != nil {
		return fmt.Errorf("cannot set up the terminal: %w", err)
	}
	if t.before == nil {
		t.before = state
	}
	return nil
}

// restore puts the terminal back to how we found it. It may be called at any time.
func (t *terminal) restore() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.wanted = false
	t.putBack()
}

func (t *terminal) putBack() {
	if t.before != nil {
		term.Restore(int(t.in.Fd()), t.before) //nolint:errcheck // the terminal is gone then
	}
}

// defaultSize is the size that a session without a terminal gets.
var defaultSize = wire.Size{Cols: 300, Rows: 100}

func (t *terminal) size() wire.Size {
	if t.view == nil {
		return defaultSize
	}
	cols, rows, err := term.GetSize(int(t.view.Fd()))
	if err != nil || cols <= 0 || rows <= 0 {
		return defaultSize
	}
	return wire.Size{Cols: uint32(cols), Rows: uint32(rows)}
}
