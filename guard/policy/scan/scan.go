package scan

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// SyntaxError says where and why a policy document is not one IAM would accept.
type SyntaxError struct {
	Source string // the document, as its caller named it
	Line   int    // from 1
	Column int    // from 1, in characters
	Msg    string
}

// Error returns "source:line:column: message".
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.Source, e.Line, e.Column, e.Msg)
}

// Scanner reads JSON from text without building a tree. It stops at the first
// fault: afterwards every method returns at once and Fault says where it was.
type Scanner struct {
	Text  string
	Pos   int    // of the next byte
	fault string // what is wrong, "" for nothing
	at    int    // where
}

// Fail records the first fault and its place.
func (s *Scanner) Fail(at int, format string, args ...any) {
	if s.fault != "" {
		return
	}
	if len(args) > 0 {
		format = fmt.Sprintf(format, args...)
	}
	s.fault, s.at = format, at
	s.Pos = len(s.Text)
}

// Failed reports whether there was a fault.
func (s *Scanner) Failed() bool { return s.fault != "" }

// Fault returns the fault as an error in the named source, nil when there is none.
func (s *Scanner) Fault(source string) *SyntaxError {
	if s.fault == "" {
		return nil
	}
	line, column := s.Place(s.at)
	return &SyntaxError{Source: source, Line: line, Column: column, Msg: s.fault}
}

// Place returns the line and the column of an offset, from 1, the column in characters.
func (s *Scanner) Place(offset int) (line, column int) {
	before := s.Text[:min(offset, len(s.Text))]
	return 1 + strings.Count(before, "\n"), 1 + utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
}

// Space passes over white space.
func (s *Scanner) Space() {
	for s.Pos < len(s.Text) {
		switch s.Text[s.Pos] {
		case ' ', '\t', '\n', '\r':
			s.Pos++
		default:
			return
		}
	}
}

// Peek returns the first byte of the next token, 0 at the end.
func (s *Scanner) Peek() byte {
	s.Space()
	if s.Pos >= len(s.Text) {
		return 0
	}
	return s.Text[s.Pos]
}

// Expect reads one structural character.
func (s *Scanner) Expect(c byte, where string) bool {
	if s.Peek() == c {
		s.Pos++
		return true
	}
	s.Unexpected("'" + string(c) + "' " + where)
	return false
}

// End records it as a fault when anything stands behind what was read.
func (s *Scanner) End(want string) {
	if s.Peek() != 0 || s.Pos < len(s.Text) {
		s.Unexpected(want)
	}
}

// Unexpected records that something else than what was wanted stands here.
func (s *Scanner) Unexpected(want string) {
	if s.Failed() {
		return
	}
	if s.Pos >= len(s.Text) {
		s.Fail(s.Pos, "the document ends where %s is expected", want)
		return
	}
	r, _ := utf8.DecodeRuneInString(s.Text[s.Pos:])
	s.Fail(s.Pos, "found %q where %s is expected", r, want)
}

// More steps through the members of an object or array: after the opening
// character it returns true before each member and false behind the closing one.
func (s *Scanner) More(first *bool, closing byte) bool {
	c := s.Peek()
	if c == closing {
		s.Pos++
		return false
	}
	if *first {
		*first = false
		return !s.Failed()
	}
	if c != ',' {
		s.Unexpected("',' or '" + string(closing) + "'")
		return false
	}
	s.Pos++
	if s.Peek() == closing {
		s.Unexpected("another member")
	}
	return !s.Failed()
}

// Key reads an object member's name and its colon.
func (s *Scanner) Key() (string, int) {
	s.Space()
	at := s.Pos
	k := s.Str("a quoted name")
	if !s.Failed() {
		s.Expect(':', "after the name")
	}
	return k, at
}

// Str reads a string. It returns a piece of the text when nothing is escaped.
func (s *Scanner) Str(want string) string {
	if s.Peek() != '"' {
		s.Unexpected(want)
		return ""
	}
	start := s.Pos + 1
	ascii := true
	for i := s.plain(start); i < len(s.Text); i++ {
		switch c := s.Text[i]; {
		case c == '"':
			out := s.Text[start:i]
			if !ascii && !utf8.ValidString(out) {
				s.Fail(start, "the text is not valid UTF-8")
				return ""
			}
			s.Pos = i + 1
			return out
		case c == '\\':
			return s.escaped(start, i)
		case c < 0x20:
			s.Fail(i, "a control character must be escaped")
			return ""
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	s.Fail(start-1, "the string is not closed")
	return ""
}

// plain returns the end of the whole groups of eight characters from i on that
// are plain ASCII: most of a string, eight bytes at a step.
func (s *Scanner) plain(i int) int {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	for ; i+8 <= len(s.Text); i += 8 {
		t := s.Text[i : i+8]
		w := uint64(t[0]) | uint64(t[1])<<8 | uint64(t[2])<<16 | uint64(t[3])<<24 |
			uint64(t[4])<<32 | uint64(t[5])<<40 | uint64(t[6])<<48 | uint64(t[7])<<56
		quote, slash := w^ones*'"', w^ones*'\\'
		// a byte's high bit is set where it is below 0x20, '"', '\\' or not ASCII
		if (w|(w-ones*0x20)|(quote-ones)|(slash-ones))&high != 0 {
			return i
		}
	}
	return i
}

// escaped reads a string that begins at start and has its first escape at i.
func (s *Scanner) escaped(start, i int) string {
	var b strings.Builder
	b.WriteString(s.Text[start:i])
	for i < len(s.Text) {
		c := s.Text[i]
		switch {
		case c == '"':
			s.Pos = i + 1
			if !utf8.ValidString(b.String()) {
				s.Fail(start, "the text is not valid UTF-8")
			}
			return b.String()
		case c < 0x20:
			s.Fail(i, "a control character must be escaped")
			return ""
		case c != '\\':
			b.WriteByte(c)
			i++
		default:
			r, n := s.escape(i)
			if s.Failed() {
				return ""
			}
			b.WriteRune(r)
			i += n
		}
	}
	s.Fail(start-1, "the string is not closed")
	return ""
}

var escapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// escape decodes the escape at i and returns the character and its length.
func (s *Scanner) escape(i int) (rune, int) {
	if i+1 < len(s.Text) {
		if c := escapes[s.Text[i+1]]; c != 0 {
			return rune(c), 2
		}
	}
	r, ok := s.hex(i)
	if !ok {
		s.Fail(i, "the escape is not one of JSON's")
		return 0, 0
	}
	if r >= 0xD800 && r < 0xDC00 {
		if low, ok := s.hex(i + 6); ok && low >= 0xDC00 && low < 0xE000 {
			return (r-0xD800)<<10 + (low - 0xDC00) + 0x10000, 12
		}
	}
	if r >= 0xD800 && r < 0xE000 {
		r = utf8.RuneError
	}
	return r, 6
}

// hex decodes \uXXXX at i.
func (s *Scanner) hex(i int) (rune, bool) {
	if i+6 > len(s.Text) || s.Text[i] != '\\' || s.Text[i+1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range []byte(s.Text[i+2 : i+6]) {
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

// Scalar reads a string, number or boolean and returns its text.
func (s *Scanner) Scalar(want string) string {
	switch c := s.Peek(); {
	case c == '"':
		return s.Str(want)
	case c == 't' || c == 'f':
		return s.boolean(want)
	case c == '-' || c >= '0' && c <= '9':
		return s.number()
	}
	s.Unexpected(want)
	return ""
}

func (s *Scanner) boolean(want string) string {
	for _, word := range [...]string{"true", "false"} {
		if strings.HasPrefix(s.Text[s.Pos:], word) {
			s.Pos += len(word)
			return word
		}
	}
	s.Unexpected(want)
	return ""
}

// number reads a JSON number and returns its text.
func (s *Scanner) number() string {
	start, i := s.Pos, s.Pos
	digits := func() bool {
		from := i
		for i < len(s.Text) && s.Text[i] >= '0' && s.Text[i] <= '9' {
			i++
		}
		return i > from
	}
	if s.Text[i] == '-' {
		i++
	}
	whole := i
	ok := digits() && (s.Text[whole] != '0' || i == whole+1)
	if ok && i < len(s.Text) && s.Text[i] == '.' {
		i++
		ok = digits()
	}
	if ok && i < len(s.Text) && s.Text[i]|0x20 == 'e' {
		i++
		if i < len(s.Text) && (s.Text[i] == '+' || s.Text[i] == '-') {
			i++
		}
		ok = digits()
	}
	if !ok {
		s.Fail(start, "this is not a number of JSON")
		return ""
	}
	s.Pos = i
	return s.Text[start:i]
}

// depthLimit bounds nesting, so that no input can exhaust the stack.
const depthLimit = 100

// Skip reads over any value.
func (s *Scanner) Skip(depth int) {
	if depth > depthLimit {
		s.Fail(s.Pos, "the document is nested too deeply")
		return
	}
	first := true
	switch s.Peek() {
	case '{':
		s.Pos++
		for s.More(&first, '}') {
			s.Key()
			s.Skip(depth + 1)
		}
	case '[':
		s.Pos++
		for s.More(&first, ']') {
			s.Skip(depth + 1)
		}
	case 'n':
		if !s.Null() {
			s.Unexpected("a value")
		}
	default:
		s.Scalar("a value")
	}
}

// Null reads the word null when it stands here.
func (s *Scanner) Null() bool {
	s.Space()
	if strings.HasPrefix(s.Text[s.Pos:], "null") {
		s.Pos += len("null")
		return true
	}
	return false
}

// Array reads an array and calls f where each member stands.
func (s *Scanner) Array(where string, f func()) {
	if !s.Expect('[', where) {
		return
	}
	for first := true; s.More(&first, ']'); {
		f()
	}
}
