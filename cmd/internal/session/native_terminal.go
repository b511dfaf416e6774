package session

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"

	"golang.org/x/term"

	"ssmguard/cmd/internal/env"
	"ssmguard/proxy"
	"ssmguard/proxy/channel/wire"
)

// terminal is the user's terminal while a remote shell uses it.
type terminal struct {
	in   *os.File // nil if the input is not a terminal
	view *os.File // the terminal whose size the shell gets; nil if no stream is a terminal

	mu     sync.Mutex
	before *term.State // the original state; nil if unchanged
	wanted bool        // raw mode is wanted
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

// keys opens the terminal once more, where Linux' /proc is, because a read of that file can
// be interrupted: keys typed after the session are then left to the local shell.
func (t *terminal) keys() (in *os.File, done func()) {
	if runtime.GOOS != "linux" {
		return t.in, func() {} // on Windows the path would be one that others may make
	}
	again, err := os.Open(fmt.Sprintf("/proc/self/fd/%d", t.in.Fd()))
	if err != nil {
		return t.in, func() {}
	}
	return again, func() { again.Close() }
}

// raw passes every key to the session as bytes, Ctrl-C included.
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

// restore puts the terminal back into its original state. It may be called at any time.
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

// changedSizes gives a terminal's size at once, and again whenever it has changed by one of
// the times when it is looked at, and at each redraw, until done is closed.
func changedSizes(size func() wire.Size, look <-chan time.Time, redraw <-chan struct{}, out chan<- wire.Size, done <-chan struct{}) {
	last := size()
	for give := last; ; give = last {
		select {
		case out <- give:
		case <-done:
			return
		}
		for same := true; same; {
			select {
			case <-look:
				now := size()
				same, last = now == last, now
			case <-redraw:
				other := last
				other.Rows++ // another size, so that the remote program draws its screen again
				select {
				case out <- other:
				case <-done:
					return
				}
				same = false
			case <-done:
				return
			}
		}
	}
}

// defaultSize is the size for a session without a terminal.
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
