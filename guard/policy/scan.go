package policy

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

// scanner reads JSON from text without building a tree. It stops at the first
// fault: afterwards every method returns at once and fault tells where it was.
type scanner struct {
	text  string
	pos   int
	fault string // what is wrong, "" for nothing
	at    int    // where
}

// fail records the first fault and its place.
func (s *scanner) fail(at int, format string, args ...any) {
	if s.fault != "" {
		return
	}
	if len(args) > 0 {
		format = fmt.Sprintf(format, args...)
	}
	s.fault, s.at = format, at
	s.pos = len(s.text)
}

func (s *scanner) failed() bool { return s.fault != "" }

// error turns the fault into a SyntaxError of the named source whose text
// starts at offset base, or returns nil.
func (s *scanner) error(source string, base int) *SyntaxError {
	if s.fault == "" {
		return nil
	}
	before := s.text[base:max(base, min(s.at, len(s.text)))]
	line := 1 + strings.Count(before, "\n")
	column := 1 + utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
	return &SyntaxError{Source: source, Line: line, Column: column, Msg: s.fault}
}

func (s *scanner) space() {
	for s.pos < len(s.text) {
		switch s.text[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

// peek returns the first byte of the next token, 0 at the end.
func (s *scanner) peek() byte {
	s.space()
	if s.pos >= len(s.text) {
		return 0
	}
	return s.text[s.pos]
}

// expect reads one structural character.
func (s *scanner) expect(c byte, where string) bool {
	if s.peek() == c {
		s.pos++
		return true
	}
	s.unexpected("'" + string(c) + "' " + where)
	return false
}

// unexpected records that something else than what was wanted stands here.
func (s *scanner) unexpected(want string) {
	if s.failed() {
		return
	}
	if s.pos >= len(s.text) {
		s.fail(s.pos, "the document ends where %s is expected", want)
		return
	}
	r, _ := utf8.DecodeRuneInString(s.text[s.pos:])
	s.fail(s.pos, "found %q where %s is expected", r, want)
}

// more steps through the members of an object or array: after the opening
// character it returns true before each member and false behind the closing one.
func (s *scanner) more(first *bool, closing byte) bool {
	c := s.peek()
	if c == closing {
		s.pos++
		return false
	}
	if *first {
		*first = false
		return !s.failed()
	}
	if c != ',' {
		s.unexpected("',' or '" + string(closing) + "'")
		return false
	}
	s.pos++
	if s.peek() == closing {
		s.unexpected("another member")
	}
	return !s.failed()
}

// key reads an object member's name and its colon.
func (s *scanner) key() (string, int) {
	s.space()
	at := s.pos
	k := s.str("a quoted name")
	if !s.failed() {
		s.expect(':', "after the name")
	}
	return k, at
}

// str reads a string. It returns a piece of the text when nothing is escaped.
func (s *scanner) str(want string) string {
	if s.peek() != '"' {
		s.unexpected(want)
		return ""
	}
	start := s.pos + 1
	ascii := true
	for i := s.plain(start); i < len(s.text); i++ {
		switch c := s.text[i]; {
		case c == '"':
			out := s.text[start:i]
			if !ascii && !utf8.ValidString(out) {
				s.fail(start, "the text is not valid UTF-8")
				return ""
			}
			s.pos = i + 1
			return out
		case c == '\\':
			return s.escaped(start, i)
		case c < 0x20:
			s.fail(i, "a control character must be escaped")
			return ""
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	s.fail(start-1, "the string is not closed")
	return ""
}

// plain returns the end of the whole groups of eight characters from i on that
// are plain ASCII: most of a string, eight bytes at a step.
func (s *scanner) plain(i int) int {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	for ; i+8 <= len(s.text); i += 8 {
		t := s.text[i : i+8]
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
func (s *scanner) escaped(start, i int) string {
	var b strings.Builder
	b.WriteString(s.text[start:i])
	for i < len(s.text) {
		c := s.text[i]
		switch {
		case c == '"':
			s.pos = i + 1
			if !utf8.ValidString(b.String()) {
				s.fail(start, "the text is not valid UTF-8")
			}
			return b.String()
		case c < 0x20:
			s.fail(i, "a control character must be escaped")
			return ""
		case c != '\\':
			b.WriteByte(c)
			i++
		default:
			r, n := s.escape(i)
			if s.failed() {
				return ""
			}
			b.WriteRune(r)
			i += n
		}
	}
	s.fail(start-1, "the string is not closed")
	return ""
}

var escapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// escape decodes the escape at i and returns the character and its length.
func (s *scanner) escape(i int) (rune, int) {
	if i+1 < len(s.text) {
		if c := escapes[s.text[i+1]]; c != 0 {
			return rune(c), 2
		}
	}
	r, ok := s.hex(i)
	if !ok {
		s.fail(i, "the escape is not one of JSON's")
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
func (s *scanner) hex(i int) (rune, bool) {
	if i+6 > len(s.text) || s.text[i] != '\\' || s.text[i+1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range []byte(s.text[i+2 : i+6]) {
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

// scalar reads a string, number or boolean and returns its text.
func (s *scanner) scalar(want string) string {
	switch c := s.peek(); {
	case c == '"':
		return s.str(want)
	case c == 't' || c == 'f':
		return s.boolean(want)
	case c == '-' || c >= '0' && c <= '9':
		return s.number()
	}
	s.unexpected(want)
	return ""
}

func (s *scanner) boolean(want string) string {
	for _, word := range [...]string{"true", "false"} {
		if strings.HasPrefix(s.text[s.pos:], word) {
			s.pos += len(word)
			return word
		}
	}
	s.unexpected(want)
	return ""
}

// number reads a JSON number and returns its text.
func (s *scanner) number() string {
	start, i := s.pos, s.pos
	digits := func() bool {
		from := i
		for i < len(s.text) && s.text[i] >= '0' && s.text[i] <= '9' {
			i++
		}
		return i > from
	}
	if s.text[i] == '-' {
		i++
	}
	whole := i
	ok := digits() && (s.text[whole] != '0' || i == whole+1)
	if ok && i < len(s.text) && s.text[i] == '.' {
		i++
		ok = digits()
	}
	if ok && i < len(s.text) && s.text[i]|0x20 == 'e' {
		i++
		if i < len(s.text) && (s.text[i] == '+' || s.text[i] == '-') {
			i++
		}
		ok = digits()
	}
	if !ok {
		s.fail(start, "this is not a number of JSON")
		return ""
	}
	s.pos = i
	return s.text[start:i]
}

// depthLimit bounds nesting, so that no input can exhaust the stack.
const depthLimit = 100

// skip reads over any value.
func (s *scanner) skip(depth int) {
	if depth > depthLimit {
		s.fail(s.pos, "the document is nested too deeply")
		return
	}
	first := true
	switch s.peek() {
	case '{':
		s.pos++
		for s.more(&first, '}') {
			s.key()
			s.skip(depth + 1)
		}
	case '[':
		s.pos++
		for s.more(&first, ']') {
			s.skip(depth + 1)
		}
	case 'n':
		if !s.null() {
			s.unexpected("a value")
		}
	default:
		s.scalar("a value")
	}
}

// null reads the word null when it stands here.
func (s *scanner) null() bool {
	s.space()
	if strings.HasPrefix(s.text[s.pos:], "null") {
		s.pos += len("null")
		return true
	}
	return false
}
