package safetext

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// Word returns a word as a POSIX shell takes it: in quotes, unless nothing in it has a
// meaning there. A word with hidden characters is written with escapes, which bash, zsh,
// ksh and POSIX.1-2024 read.
func Word(word string) string {
	hidden := false
	for _, r := range word {
		hidden = hidden || Hidden(r) || r == utf8.RuneError
	}
	switch {
	case hidden:
		return escapedWord(word)
	case word != "" && strings.IndexFunc(word, func(r rune) bool { return !unquoted(r) }) < 0:
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// Words returns the words of a command line as a POSIX shell takes them.
func Words(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = Word(w)
	}
	return strings.Join(quoted, " ")
}

// Fish returns a word as fish takes it: in quotes, unless nothing in it has a meaning there.
// Within them fish reads \\ and \' as one character each.
func Fish(word string) string {
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !unquoted(r) }) < 0 {
		return word
	}
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(word) + "'"
}

// PowerShell returns a word as PowerShell takes it, always in quotes. Each of the quotation
// marks that end a text there is written twice.
func PowerShell(word string) string {
	var b strings.Builder
	for _, r := range word {
		if strings.ContainsRune("'\u2018\u2019\u201a\u201b", r) {
			b.WriteRune(r)
		}
		b.WriteRune(r)
	}
	return "'" + b.String() + "'"
}

// unquoted reports whether a character stands for itself in every shell.
func unquoted(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-.:/=,@%+", r)
}

// escapedWord writes a word as $'...', hidden characters byte by byte in octal: an
// octal escape ends after three digits, whatever follows.
func escapedWord(word string) string {
	var b strings.Builder
	b.WriteString("$'")
	for i := 0; i < len(word); {
		r, n := utf8.DecodeRuneInString(word[i:])
		switch {
		case Hidden(r), r == utf8.RuneError && n == 1:
			for _, c := range []byte(word[i : i+n]) {
				fmt.Fprintf(&b, `\%03o`, c)
			}
		case r == '\'' || r == '\\':
			b.WriteString(`\` + string(r))
		default:
			b.WriteRune(r)
		}
		i += n
	}
	return b.String() + "'"
}

// Option returns a value as an option file of MySQL and MariaDB takes it (my.cnf): in
// double quotes. A value with control characters is refused, for a line could end in it.
func Option(value string) (string, error) {
	if strings.IndexFunc(value, Control) >= 0 {
		return "", errors.New("a value of an option file has a control character")
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"`, nil
}

// URI returns the path of a file as a relative or absolute reference of RFC 3986, as
// SARIF wants it: with slashes, and everything percent-encoded that a path may not have. The first colon of a relative path is encoded,
// so that nothing before it is a scheme. The path of a Windows drive becomes file:///C:/.
func URI(path string) string {
	drive := filepath.VolumeName(path)
	path = filepath.ToSlash(path)
	if strings.HasPrefix(path, "//") { // an empty path segment would be taken for an authority
		path = "/" + strings.TrimLeft(path, "/")
	}
	if len(drive) == 2 {
		return "file:///" + drive + (&url.URL{Path: path[2:]}).EscapedPath()
	}
	uri := (&url.URL{Path: path}).EscapedPath()
	if first, rest, more := strings.Cut(uri, "/"); strings.Contains(first, ":") {
		uri = strings.ReplaceAll(first, ":", "%3A")
		if more {
			uri += "/" + rest
		}
	}
	return uri
}

// JSON returns a JSON text that means the same and holds no hidden character: those in
// its strings are written as \u escapes. A string holds no command to a CI runner
// either.
func JSON(text []byte) []byte {
	plain := func(c byte) bool { return c <= '~' && c != '#' }
	if !slices.ContainsFunc(text, func(c byte) bool { return !plain(c) }) {
		return text
	}
	hidden := func(r rune) bool { return r > '~' && (Hidden(r) || r == utf8.RuneError) }
	s := string(text)
	if strings.IndexFunc(s, hidden) >= 0 {
		var b strings.Builder
		for _, r := range s {
			switch {
			case !hidden(r):
				b.WriteRune(r)
			case r > 0xffff:
				r -= 0x10000
				fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
			default:
				fmt.Fprintf(&b, `\u%04x`, r)
			}
		}
		s = b.String()
	}
	return []byte(markCommands(s, `\u005b`))
}

// NewEncoder returns an encoder that writes JSON as the function JSON returns it; <, >
// and & are left alone, for ARNs and people read them.
func NewEncoder(w io.Writer) *json.Encoder {
	enc := json.NewEncoder(jsonWriter{w})
	enc.SetEscapeHTML(false)
	return enc
}

// jsonWriter takes whole JSON values, as a json.Encoder writes them.
type jsonWriter struct{ w io.Writer }

// Write implements io.Writer.
func (j jsonWriter) Write(text []byte) (int, error) {
	if _, err := j.w.Write(JSON(text)); err != nil {
		return 0, err
	}
	return len(text), nil
}
