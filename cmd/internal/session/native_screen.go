package session

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
	"time"

	"ssmguard/cmd/internal/dial"
	"ssmguard/cmd/internal/env"
	"ssmguard/proxy"
	"ssmguard/proxy/channel"
)

// screen lets us speak while a session writes to the same terminal. What we say
// stands on lines of its own, and the line that the session was at is drawn
// again below; over a program that has the whole screen it stands in the top row.
// Where our words go to a file they are plain lines.
type screen struct {
	out      io.Writer // the session's
	notes    io.Writer // ours
	terminal bool      // notes is a terminal
	shared   bool      // and out shows on it

	turn chan struct{} // held by who writes; full: somebody does

	mu    sync.Mutex
	shell bool          // somebody works here: short losses are worth less than his peace
	blind bool          // what is on the screen is not known
	line  []byte        // what the session has written since its last line began
	long  bool          // that is too much to be drawn again
	whole bool          // a program has the whole screen
	tail  []byte        // of the last write, where a control sequence may go on
	lost  *time.Timer   // says that the connection is lost
	shown bool          // it has been said
	nudge chan struct{} // asks for a program's screen to be drawn again
}

const (
	noticeAfter = time.Second // a loss that is over by then is told in one line
	longestLine = 4096        // a longer one is not drawn again
)

func newScreen(out, notes io.Writer, notesTerminal bool) *screen {
	return &screen{
		out: out, notes: notes, terminal: notesTerminal, shared: notesTerminal && env.IsTerminal(out),
		turn: make(chan struct{}, 1), nudge: make(chan struct{}, 1),
	}
}

// Write writes what the session says.
func (s *screen) Write(b []byte) (int, error) {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	n, err := s.out.Write(b)
	if s.shared {
		s.mu.Lock()
		s.follow(b[:n])
		s.mu.Unlock()
	}
	return n, err
}

// stalledAfter is how long a write may take before we speak without waiting for it.
const stalledAfter = 100 * time.Millisecond

// lock waits until no write of the session is under way, for what it does to the
// screen is known only then, but not for a terminal that takes nothing.
func (s *screen) lock() (unlock func()) {
	ours := true
	stalled := time.NewTimer(stalledAfter)
	defer stalled.Stop()
	select {
	case s.turn <- struct{}{}:
	case <-stalled.C:
		ours = false
	}
	s.mu.Lock()
	return func() {
		s.mu.Unlock()
		if ours {
			<-s.turn
		}
	}
}

// follow keeps track of what b does to the screen.
func (s *screen) follow(b []byte) {
	s.tail = append(s.tail, b...)
	s.whole = wholeScreen(s.tail, s.whole)
	s.tail = append(s.tail[:0], s.tail[max(0, len(s.tail)-8):]...)
	if at := bytes.LastIndexByte(b, '\n'); at >= 0 {
		s.line, s.long, b = s.line[:0], false, b[at+1:]
	}
	if s.long = s.long || len(s.line)+len(b) > longestLine; !s.long {
		s.line = append(s.line, b...)
	}
}

// alternate are the control sequences by which programs take the whole screen
// and give it back.
var alternate = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\x1b\[\?(?:47|1047|1049)([hl])`) })

// wholeScreen tells whether a program has the whole screen after b.
func wholeScreen(b []byte, before bool) bool {
	if !bytes.Contains(b, []byte("\x1b[?")) {
		return before
	}
	all := alternate().FindAllSubmatch(b, -1)
	if len(all) == 0 {
		return before
	}
	return all[len(all)-1][1][0] == 'h'
}

// moved matches what takes the cursor to another line or clears the screen.
var moved = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\x1b(?:\[[0-9;]*[A-BE-FHJSTdfrsu]|\[\?(?:47|1047|1049)[hl]|[78DEMc])`)
})

// current is the line at the cursor, as it is to be drawn again.
func (s *screen) current() []byte {
	if s.long {
		return nil
	}
	if all := moved().FindAllIndex(s.line, -1); len(all) > 0 {
		return s.line[all[len(all)-1][1]:]
	}
	return s.line
}

// note says something of ours.
func (s *screen) note(text string) {
	defer s.lock()()
	s.say(text)
}

func (s *screen) say(text string) {
	switch {
	case !s.terminal:
		fmt.Fprintf(s.notes, "ssmguard: %s\n", text)
	case s.shared && s.whole:
		short, _, _ := strings.Cut(text, ":") // one row
		fmt.Fprintf(s.notes, "\x1b7\x1b[H\x1b[7mssmguard: %s\x1b[m\x1b[K\x1b8", short)
	default:
		begin := ""
		if s.midLine() || s.blind {
			begin = "\r\n"
		}
		fmt.Fprintf(s.notes, "%sssmguard: %s\r\n%s", begin, strings.ReplaceAll(text, "\n", "\r\n"), s.current())
	}
}

// end leaves the cursor at the start of a line: what comes now is the end of the
// session, and then the local shell's.
func (s *screen) end() {
	defer s.lock()()
	if s.lost != nil {
		s.lost.Stop()
		s.lost = nil // for a late that waits for the lock
	}
	if s.midLine() {
		fmt.Fprint(s.notes, "\r\n")
		s.line, s.long = nil, false
	}
}

// midLine tells whether the session has left the cursor in a line.
func (s *screen) midLine() bool { return s.long || len(s.line) > 0 }

// typing says that from now on somebody types at a shell.
func (s *screen) typing() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shell = s.terminal
}

// beside says that from now on somebody else, such as ssh, has the terminal.
func (s *screen) beside() {
	s.typing()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blind = s.terminal
}

// event tells what happens to the connection.
func (s *screen) event(e channel.Event) {
	text := dial.ChannelNote(e)
	if text == "" {
		return
	}
	defer s.lock()()
	switch {
	case s.shell && e.Kind == channel.Lost:
		if s.lost != nil {
			s.lost.Stop()
		}
		s.shown = false
		s.lost = time.AfterFunc(noticeAfter, func() { s.late(text) })
	case s.shell && e.Kind == channel.Resumed:
		s.resumed(text)
	default:
		s.say(text)
	}
}

// late says that the connection is lost, and has been for a while.
func (s *screen) late(text string) {
	defer s.lock()()
	if s.lost != nil {
		s.shown = true
		s.say(text)
	}
}

// resumed says that the connection is back. A program's screen is drawn again if
// we have written on it, and otherwise left in peace.
func (s *screen) resumed(text string) {
	if s.lost != nil {
		s.lost.Stop()
		s.lost = nil
	}
	switch {
	case s.shared && s.whole && s.shown:
		proxy.Signal(s.nudge)
	case s.shown:
		s.say(text)
	case s.blind, s.shared && s.whole:
	default:
		s.say("connection lost and resumed")
	}
}
