package safetext

import (
	"fmt"
	"io"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"ssmguard/internal/nettext"
)

// Control reports whether a character is a control character: it moves the cursor, ends
// a line, or changes the direction of text. Configuration files may hold none.
func Control(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Bidi_Control)
}

// Hidden reports whether a terminal does not show a character as a glyph of its own:
// control and format characters (C0, C1, DEL, bidirectional controls, zero-width
// characters, tags), line and paragraph separators, blank fillers, and code points that
// are not assigned. Two texts that differ in such characters look alike, and some of
// them are commands to the terminal.
func Hidden(r rune) bool {
	if r < utf8.RuneSelf {
		return r < ' ' || r == 0x7f
	}
	return !unicode.IsGraphic(r) ||
		unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) && !emojiStyle(r)
}

// emojiStyle reports whether a character chooses between the two glyphs of a symbol.
func emojiStyle(r rune) bool { return r == 0xFE0E || r == 0xFE0F }

// Line returns text of others as a part of one line of a terminal or log. Tabs and ends
// of lines become blanks, other hidden characters and bytes that are not UTF-8 become
// visible escapes (\x1b, \u202e), and the text begins neither as a message of ours nor
// as a command to a CI runner. Line(Line(s)) is Line(s).
func Line(s string) string { return mark(shown(s, false), true) }

// Text returns text of others that keeps its lines and tabs; each line is as Line would
// return it. An end of a line that is written with a carriage return is a plain one.
func Text(s string) string {
	s = shown(strings.ReplaceAll(s, "\r\n", "\n"), true)
	if !strings.Contains(s, "\n") {
		return mark(s, true)
	}
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = mark(line, true)
	}
	return strings.Join(lines, "\n")
}

// shown escapes what is hidden. Ends of lines and tabs become blanks, or stay.
func shown(s string, keepLines bool) string {
	clean := func(r rune) bool {
		return r >= ' ' && r <= '~' || !Hidden(r) && r != utf8.RuneError || keepLines && (r == '\n' || r == '\t')
	}
	if strings.IndexFunc(s, func(r rune) bool { return !clean(r) }) < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case clean(r), r == utf8.RuneError:
			b.WriteRune(r)
		case r >= '\t' && r <= '\r':
			b.WriteByte(' ')
		case r < utf8.RuneSelf:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
		i += n
	}
	return b.String()
}

// ourBeginnings are how lines of ours begin: our own, and those in the AWS CLI's words.
var ourBeginnings = []string{"ssmguard:", "aws: "}

// mark returns one line with a backslash before what would be taken for a line of ours,
// if others wrote its beginning, and within what a CI runner would take for a command.
//
// GitHub's runner obeys lines that begin with "::", after blanks of any kind too, and "##[" anywhere
// in a line; Azure's obeys "##vso[" anywhere, TeamCity's "##teamcity[".
func mark(line string, theirBeginning bool) string {
	line = markCommands(line, `\[`)
	text := strings.TrimLeftFunc(line, unicode.IsSpace)
	own := func(begin string) bool {
		return strings.HasPrefix(text, begin) || strings.TrimRight(text, "\n") == strings.TrimSpace(begin)
	}
	if theirBeginning && slices.ContainsFunc(ourBeginnings, own) || strings.HasPrefix(text, "::") && !beginsWithAddress(text) {
		return line[:len(line)-len(text)] + `\` + text
	}
	return line
}

// markCommands replaces the bracket of every "##NAME[".
func markCommands(s, bracket string) string {
	if !strings.Contains(s, "##") {
		return s
	}
	var b strings.Builder
	for {
		at := strings.Index(s, "##")
		if at < 0 {
			return b.String() + s
		}
		b.WriteString(s[:at+2])
		s = s[at+2:]
		name := 0
		for name < len(s) && (s[name]|0x20 >= 'a' && s[name]|0x20 <= 'z' || s[name] == '#') {
			name++
		}
		b.WriteString(s[:name])
		if s = s[name:]; strings.HasPrefix(s, "[") {
			b.WriteString(bracket)
			s = s[1:]
		}
	}
}

// beginsWithAddress reports whether a text begins with an IPv6 address, such as ::1.
func beginsWithAddress(text string) bool {
	word, _, _ := strings.Cut(text, " ")
	_, err := netip.ParseAddr(strings.TrimRight(word, ",;)"))
	return err == nil
}

// Own is text that was made here: of our own words, and of text of others that went
// through Line, Text or Sprintf before. Fprintf writes it as it is.
type Own string

// Fprintf formats as fmt.Fprintf does, for a terminal or a log. The format is ours; all
// arguments but numbers, bools and values of type Own are text of others and are
// written as Line returns it, errors in the words of nettext. No line of the result that begins with an argument begins
// as one of ours, and none is a command to a CI runner.
func Fprintf(w io.Writer, format string, args ...any) (int, error) {
	return io.WriteString(w, Sprintf(format, args...))
}

// Sprintf is Fprintf that returns the text.
func Sprintf(format string, args ...any) string {
	safe := make([]any, len(args))
	for i, a := range args {
		safe[i] = argument(a)
	}
	text := fmt.Sprintf(format, safe...)
	var b strings.Builder
	for line := range strings.SplitAfterSeq(text, "\n") {
		begin := strings.TrimLeftFunc(line, unicode.IsSpace)
		theirs := strings.HasPrefix(begin, theirBegin)
		line = strings.ReplaceAll(strings.ReplaceAll(line, theirBegin, ""), theirEnd, "")
		b.WriteString(mark(line, theirs))
	}
	return b.String()
}

// What stands around text of others until a line is whole: control characters, which
// are in no text that Line returned.
const theirBegin, theirEnd = "\x0e", "\x0f"

// argument makes an argument one that formats as text of others, unless it is none.
func argument(a any) any {
	switch a := a.(type) {
	case nil:
		return a
	case Own:
		return string(a)
	case fmt.Formatter:
		return theirs{a}
	case error:
		return theirs{nettext.Of(a)}
	case fmt.Stringer:
		return theirs{a}
	}
	switch kind := reflect.TypeOf(a).Kind(); {
	case kind >= reflect.Bool && kind <= reflect.Complex128:
		return a
	}
	return theirs{a}
}

// theirs is an argument that is text of others.
type theirs struct{ value any }

// Format implements fmt.Formatter: width and flags count what is shown.
func (t theirs) Format(f fmt.State, verb rune) {
	var text string
	switch {
	case verb == 's' || verb == 'v' && !f.Flag('+') && !f.Flag('#'):
		text = fmt.Sprintf(fmt.FormatString(f, 's'), Line(fmt.Sprint(t.value)))
	default:
		text = Line(fmt.Sprintf(fmt.FormatString(f, verb), t.value))
	}
	io.WriteString(f, theirBegin+text+theirEnd) //nolint:errcheck // it is written to memory
}

// Paragraph returns Text with the lines after the first indented, unless they are
// already: none of them begins where a line of ours does.
func Paragraph(s, indent string) string {
	lines := strings.Split(Text(strings.TrimRight(s, "\r\n")), "\n")
	for i := 1; i < len(lines); i++ {
		if !strings.HasPrefix(lines[i], indent) {
			lines[i] = indent + lines[i]
		}
	}
	return strings.Join(lines, "\n")
}
