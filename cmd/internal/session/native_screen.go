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
	"ssmguard/internal/safetext"
	layout "ssmguard/internal/screen"
	"ssmguard/proxy"
	"ssmguard/proxy/channel"
)

// screen prints notes of ours while a session writes to the same terminal. A note gets
// lines of its own, and the session's current line is drawn again below it. Over a
// full-screen program the note is in the top row. In a file notes are plain lines.
type screen struct {
	out      io.Writer // the session's output
	notes    io.Writer // ours
	terminal bool      // notes go to a terminal
	shared   bool      // out goes to the same terminal

	writing chan struct{} // a lock: full while a write is under way

	mu             sync.Mutex
	interactive    bool          // a user works in a shell: short losses are not shown at once
	unknownContent bool          // the content of the screen is not known
	line           []byte        // the session's current line
	lineTooLong    bool          // the line is too long to be drawn again
	fullScreen     bool          // a full-screen program is running
	lastBytes      []byte        // end of the last write: a control sequence may continue
	lossTimer      *time.Timer   // shows that the connection is lost; nil unless it is
	lossShown      bool          // that note was shown
	redraw         chan struct{} // requests that the program draws its screen again
}

const (
	noticeAfter = time.Second // a shorter loss is shown in one line when it is over
	longestLine = 4096        // a longer line is not drawn again
)

func newScreen(out, notes io.Writer, notesTerminal bool) *screen {
	return &screen{
		out: out, notes: notes, terminal: notesTerminal, shared: notesTerminal && env.IsTerminal(out),
		writing: make(chan struct{}, 1), redraw: make(chan struct{}, 1),
	}
}

// Write writes the session's output.
func (s *screen) Write(b []byte) (int, error) {
	s.writing <- struct{}{}
	defer func() { <-s.writing }()
	n, err := s.out.Write(b)
	if s.shared {
		s.mu.Lock()
		s.follow(b[:n])
		s.mu.Unlock()
	}
	return n, err
}

// stalledAfter is how long a note waits for a write of the session.
const stalledAfter = 100 * time.Millisecond

// lock waits until no write of the session is under way, because only then the screen's
// state is known. It does not wait longer than stalledAfter, because a terminal may be
// stopped.
func (s *screen) lock() (unlock func()) {
	ours := true
	stalled := time.NewTimer(stalledAfter)
	defer stalled.Stop()
	select {
	case s.writing <- struct{}{}:
	case <-stalled.C:
		ours = false
	}
	s.mu.Lock()
	return func() {
		s.mu.Unlock()
		if ours {
			<-s.writing
		}
	}
}

// follow updates the screen's state for the output b.
func (s *screen) follow(b []byte) {
	s.lastBytes = append(s.lastBytes, b...)
	s.fullScreen = isFullScreen(s.lastBytes, s.fullScreen)
	s.lastBytes = append(s.lastBytes[:0], s.lastBytes[max(0, len(s.lastBytes)-8):]...)
	if at := bytes.LastIndexByte(b, '\n'); at >= 0 {
		s.line, s.lineTooLong, b = s.line[:0], false, b[at+1:]
	}
	if s.lineTooLong = s.lineTooLong || len(s.line)+len(b) > longestLine; !s.lineTooLong {
		s.line = append(s.line, b...)
	}
}

// alternate matches the control sequences that switch to the alternate screen and back.
var alternate = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\x1b\[\?(?:47|1047|1049)([hl])`) })

// isFullScreen reports whether a full-screen program is running after the output b.
func isFullScreen(b []byte, before bool) bool {
	if !bytes.Contains(b, []byte("\x1b[?")) {
		return before
	}
	all := alternate().FindAllSubmatch(b, -1)
	if len(all) == 0 {
		return before
	}
	return all[len(all)-1][1][0] == 'h'
}

// cursorMoves matches control sequences that move the cursor to another line or clear the
// screen.
var cursorMoves = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\x1b(?:\[[0-9;]*[A-BE-FHJSTdfrsu]|\[\?(?:47|1047|1049)[hl]|[78DEMc])`)
})

// current returns the line at the cursor, to draw it again.
func (s *screen) current() []byte {
	if s.lineTooLong {
		return nil
	}
	if all := cursorMoves().FindAllIndex(s.line, -1); len(all) > 0 {
		return s.line[all[len(all)-1][1]:]
	}
	return s.line
}

// note shows a message of ours.
func (s *screen) note(text string) {
	defer s.lock()()
	s.say(text)
}

func (s *screen) say(text string) {
	switch {
	case !s.terminal:
		safetext.Fprintf(s.notes, "ssmguard: %s\n", safetext.Own(safetext.Paragraph(text, "  ")))
	case s.shared && s.fullScreen:
		short, _, _ := strings.Cut(text, ":") // one row
		safetext.Fprintf(s.notes, "\x1b7\x1b[H\x1b[7mssmguard: %s\x1b[m\x1b[K\x1b8", short)
	default:
		begin := ""
		if s.midLine() || s.unknownContent {
			begin = "\r\n"
		}
		text = layout.Lines("ssmguard: "+safetext.Paragraph(text, "  "), env.Width(s.notes))
		fmt.Fprintf(s.notes, "%s%s\r\n%s", begin, strings.ReplaceAll(text, "\n", "\r\n"), s.current())
	}
}

// end leaves the cursor at the start of a line, for the messages at the session's end
// and the local shell's prompt.
func (s *screen) end() {
	defer s.lock()()
	if s.lossTimer != nil {
		s.lossTimer.Stop()
		s.lossTimer = nil // for a showLoss that waits for the lock
	}
	if s.midLine() {
		fmt.Fprint(s.notes, "\r\n")
		s.line, s.lineTooLong = nil, false
	}
}

// midLine reports whether the cursor is within a line.
func (s *screen) midLine() bool { return s.lineTooLong || len(s.line) > 0 }

// withUser marks the session as a shell in which a user types.
func (s *screen) withUser() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.interactive = s.terminal
}

// withOtherProgram marks the terminal as used by another program, such as ssh.
func (s *screen) withOtherProgram() {
	s.withUser()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unknownContent = s.terminal
}

// event shows an event of the connection.
func (s *screen) event(e channel.Event) {
	text := dial.ChannelNote(e)
	if text == "" {
		return
	}
	defer s.lock()()
	switch {
	case s.interactive && e.Kind == channel.Lost:
		if s.lossTimer != nil {
			s.lossTimer.Stop()
		}
		s.lossShown = false
		s.lossTimer = time.AfterFunc(noticeAfter, func() { s.showLoss(text) })
	case s.interactive && e.Kind == channel.Resumed:
		s.resumed(text)
	default:
		s.say(text)
	}
}

// showLoss shows that the connection has been lost for a while.
func (s *screen) showLoss(text string) {
	defer s.lock()()
	if s.lossTimer != nil {
		s.lossShown = true
		s.say(text)
	}
}

// resumed shows that the connection is back. A full-screen program is asked to draw its
// screen again only if a note was written on it.
func (s *screen) resumed(text string) {
	if s.lossTimer != nil {
		s.lossTimer.Stop()
		s.lossTimer = nil
	}
	switch {
	case s.shared && s.fullScreen && s.lossShown:
		proxy.Signal(s.redraw)
	case s.lossShown:
		s.say(text)
	case s.unknownContent, s.shared && s.fullScreen:
	default:
		s.say("connection lost and resumed")
	}
}
