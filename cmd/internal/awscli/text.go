package awscli

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// runes decodes s into the code points a Python str would hold. A byte that is
// not UTF-8 becomes a lone surrogate U+DC80..U+DCFF, as os.fsdecode does it, and
// a surrogate in three-byte form stays a surrogate.
func runes(s string) []rune {
	out := make([]rune, 0, len(s))
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && n == 1 {
			if len(s) >= 3 && s[0] == 0xED && s[1]&0xE0 == 0xA0 && s[2]&0xC0 == 0x80 {
				r, n = 0xD000|rune(s[1]&0x3F)<<6|rune(s[2]&0x3F), 3
			} else {
				r = 0xDC00 | rune(s[0])
			}
		}
		out = append(out, r)
		s = s[n:]
	}
	return out
}

// text is the inverse of runes, with surrogates in three-byte form.
func text(rs []rune) string {
	var b strings.Builder
	for _, r := range rs {
		if isSurrogate(r) {
			b.Write([]byte{0xE0 | byte(r>>12), 0x80 | byte(r>>6)&0x3F, 0x80 | byte(r)&0x3F})
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

func isSurrogate(r rune) bool { return r >= 0xD800 && r <= 0xDFFF }

// length is Python's len of a str: code points, not bytes.
func length(s string) int { return len(runes(s)) }

// printable returns s as Python writes it to stderr: code points that UTF-8
// cannot carry are shown as backslash escapes.
func printable(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for _, r := range runes(s) {
		if isSurrogate(r) {
			b.WriteString(`\u` + hex(r, 4))
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

func hex(r rune, width int) string {
	const digits = "0123456789abcdef"
	out := make([]byte, width)
	for i := width - 1; i >= 0; i-- {
		out[i] = digits[r&0xF]
		r >>= 4
	}
	return string(out)
}

// isPySpace is str.isspace for one code point.
func isPySpace(r rune) bool {
	return unicode.IsSpace(r) || r >= 0x1C && r <= 0x1F
}

func trimLeftSpace(s string) string  { return strings.TrimLeftFunc(s, isPySpace) }
func trimRightSpace(s string) string { return strings.TrimRightFunc(s, isPySpace) }
func trimSpace(s string) string      { return strings.TrimFunc(s, isPySpace) }
