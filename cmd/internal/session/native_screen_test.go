package session

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ssmguard/proxy/channel"
)

// newTestScreen is a screen whose two writers are the one terminal.
func newTestScreen() (*screen, *bytes.Buffer) {
	var b bytes.Buffer
	return &screen{out: &b, notes: &b, terminal: true, shared: true,
		writing: make(chan struct{}, 1), redraw: make(chan struct{}, 1)}, &b
}

// A notice stands on its own lines, and the line under the cursor comes back.
func TestScreenNote(t *testing.T) {
	for name, c := range map[string]struct{ before, want string }{
		"at the start":     {"", "ssmguard: hear\r\n"},
		"after a line":     {"a\r\n", "ssmguard: hear\r\n"},
		"in a line":        {"a\r\n$ ec", "\r\nssmguard: hear\r\n$ ec"},
		"after clear":      {"a\r\n\x1b[H\x1b[2J$ ec", "\r\nssmguard: hear\r\n$ ec"},
		"after a pager":    {"a\r\n\x1b[?1049hfile\r\n:\r\x1b[K\x1b[?1l\x1b>\x1b[?1049l$ ec", "\r\nssmguard: hear\r\n$ ec"},
		"edited lines":     {"$ ab\x1b[Acd", "\r\nssmguard: hear\r\ncd"},
		"coloured":         {"\x1b[1m$\x1b[m ", "\r\nssmguard: hear\r\n\x1b[1m$\x1b[m "},
		"a very long line": {strings.Repeat("x", 2*longestLine), "\r\nssmguard: hear\r\n"},
		"a program":        {"$ vi\r\n\x1b[?1049hfile", "\x1b7\x1b[H\x1b[7mssmguard: hear\x1b[m\x1b[K\x1b8"},
		"an old program":   {"\x1b[?47hfile", "\x1b7\x1b[H\x1b[7mssmguard: hear\x1b[m\x1b[K\x1b8"},
		"after a program":  {"\x1b[?1049hfile\x1b[?1049l\r\n$ ", "\r\nssmguard: hear\r\n$ "},
	} {
		for _, piece := range []int{1, 7, 1 << 20} {
			s, b := newTestScreen()
			for rest := []byte(c.before); len(rest) > 0; {
				n := min(piece, len(rest))
				s.Write(rest[:n]) //nolint:errcheck // a buffer
				rest = rest[n:]
			}
			if b.String() != c.before {
				t.Errorf("%s: changed to %.200q", name, b.String())
			}
			s.note("hear")
			if got := strings.TrimPrefix(b.String(), c.before); got != c.want {
				t.Errorf("%s by %d: got %.200q, want %q", name, piece, got, c.want)
			}
		}
	}
}

// slowTerminal shows its input at once, and returns from Write later.
type slowTerminal struct {
	*bytes.Buffer
	takes time.Duration
}

func (t slowTerminal) Write(b []byte) (int, error) {
	n, err := t.Buffer.Write(b)
	<-time.After(t.takes)
	return n, err
}

// A notice waits for a write that is under way, but not for a terminal that has stalled.
func TestScreenNoteDuringWrite(t *testing.T) {
	for takes, want := range map[time.Duration]string{
		10 * time.Millisecond: "$ \r\nssmguard: hear\r\n$ ",
		time.Hour:             "$ ssmguard: hear\r\n",
	} {
		synctest.Test(t, func(t *testing.T) {
			s, b := newTestScreen()
			s.out = slowTerminal{b, takes}
			written := make(chan struct{})
			go func() {
				defer close(written)
				s.Write([]byte("$ ")) //nolint:errcheck // a buffer
			}()
			synctest.Wait()
			s.note("hear")
			if b.String() != want {
				t.Errorf("a write of %v: %q, want %q", takes, b, want)
			}
			<-written
		})
	}
}

// In a file notices are plain lines, at once.
func TestScreenFile(t *testing.T) {
	var out, notes bytes.Buffer
	s := newScreen(&out, &notes, false)
	s.withUser()
	s.Write([]byte("$ ")) //nolint:errcheck // a buffer
	s.event(channel.Event{Kind: channel.Lost, Err: errors.New("cut")})
	s.event(channel.Event{Kind: channel.Resumed})
	s.end()
	if out.String() != "$ " || notes.String() != "ssmguard: connection lost, resuming: cut\nssmguard: connection resumed\n" {
		t.Errorf("out %q, notes %q", out.String(), notes.String())
	}
}

// While ssh has the terminal, only a loss that lasts is shown.
func TestScreenBeside(t *testing.T) {
	for lasts, want := range map[time.Duration]string{
		noticeAfter / 2: "",
		2 * noticeAfter: "\r\nssmguard: connection lost, resuming: cut\r\n\r\nssmguard: connection resumed\r\n",
	} {
		synctest.Test(t, func(t *testing.T) {
			var out, notes bytes.Buffer
			s := newScreen(&out, &notes, true)
			s.withOtherProgram()
			s.event(channel.Event{Kind: channel.Lost, Err: errors.New("cut")})
			time.Sleep(lasts)
			synctest.Wait()
			s.event(channel.Event{Kind: channel.Resumed})
			if notes.String() != want {
				t.Errorf("after %v: %q, want %q", lasts, notes.String(), want)
			}
		})
	}
}

// In a shell a loss that lasts is shown at once, and a short one in one line
// afterwards; a program's screen is left in peace, or drawn again.
func TestScreenLoss(t *testing.T) {
	lost, back := channel.Event{Kind: channel.Lost, Err: errors.New("cut")}, channel.Event{Kind: channel.Resumed}
	for name, c := range map[string]struct {
		before  string
		lasts   time.Duration
		want    string
		redrawn bool
	}{
		"short":         {"$ ec", noticeAfter / 2, "\r\nssmguard: connection lost and resumed\r\n$ ec", false},
		"long":          {"$ ec", 2 * noticeAfter, "\r\nssmguard: connection lost, resuming: cut\r\n$ ec\r\nssmguard: connection resumed\r\n$ ec", false},
		"program":       {"\x1b[?1049h", noticeAfter / 2, "", false},
		"program, long": {"\x1b[?1049h", 2 * noticeAfter, "\x1b7\x1b[H\x1b[7mssmguard: connection lost, resuming\x1b[m\x1b[K\x1b8", true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, b := newTestScreen()
				s.withUser()
				s.Write([]byte(c.before)) //nolint:errcheck // a buffer
				s.event(lost)
				time.Sleep(c.lasts)
				synctest.Wait()
				s.event(back)
				time.Sleep(2 * noticeAfter)
				synctest.Wait()
				if got := strings.TrimPrefix(b.String(), c.before); got != c.want || (len(s.redraw) == 1) != c.redrawn {
					t.Errorf("got %q, want %q, redrawn %d", got, c.want, len(s.redraw))
				}
			})
		})
	}
}

// A note that was due when the session ended is not shown.
func TestScreenEnd(t *testing.T) {
	s, b := newTestScreen()
	s.withUser()
	s.event(channel.Event{Kind: channel.Lost, Err: errors.New("cut")})
	s.end()
	s.showLoss("too late")
	if b.Len() > 0 {
		t.Errorf("said %q", b.String())
	}
}
