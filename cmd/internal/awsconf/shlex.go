package awsconf

import (
	"strings"
)

// SplitWords is Python's shlex.split: the words of a POSIX shell, with quotes and
// backslashes, without expansion.
func SplitWords(s string) ([]string, error) {
	var words []string
	var word strings.Builder
	inWord := false
	flush := func() {
		if inWord {
			words = append(words, word.String())
			word.Reset()
			inWord = false
		}
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case ' ', '\t', '\r', '\n':
			flush()
		case '\'':
			end := strings.IndexByte(s[i+1:], '\'')
			if end < 0 {
				return nil, errorf(CodeOther, "No closing quotation")
			}
			word.WriteString(s[i+1 : i+1+end])
			i += end + 1
			inWord = true
		case '"':
			end, err := quoted(&word, s[i+1:])
			if err != nil {
				return nil, err
			}
			i += end + 1
			inWord = true
		case '\\':
			if i+1 == len(s) {
				return nil, errorf(CodeOther, "No escaped character")
			}
			i++
			word.WriteByte(s[i])
			inWord = true
		default:
			word.WriteByte(c)
			inWord = true
		}
	}
	flush()
	return words, nil
}

// quoted copies s up to the closing double quote and returns the quote's position.
func quoted(word *strings.Builder, s string) (int, error) {
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return i, nil
		case s[i] == '\\' && i+1 == len(s):
			return 0, errorf(CodeOther, "No escaped character")
		case s[i] == '\\' && (s[i+1] == '"' || s[i+1] == '\\'):
			i++
		}
		word.WriteByte(s[i])
	}
	return 0, errorf(CodeOther, "No closing quotation")
}

// commandWords splits the command of a credential_process as the CLI does: on Windows by
// the rules of C programs there, elsewhere by SplitWords.
func commandWords(system, s string) ([]string, error) {
	if system == "windows" {
		return windowsWords(s)
	}
	return SplitWords(s)
}

// windowsWords are the words of a command line by the rules of C programs on Windows
// ("Parsing C command-line arguments" of Microsoft): blanks and tabs part them outside of
// double quotes, and backslashes are escapes only in front of a quote, two for one.
func windowsWords(s string) (words []string, err error) {
	var word strings.Builder
	inWord, inQuotes := false, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\':
			rest := strings.TrimLeft(s[i:], `\`)
			n := len(s) - i - len(rest)
			i += n - 1
			inWord = true
			if !strings.HasPrefix(rest, `"`) {
				word.WriteString(strings.Repeat(`\`, n))
				continue
			}
			word.WriteString(strings.Repeat(`\`, n/2))
			if n%2 == 1 {
				word.WriteByte('"')
				i++
			}
		case c == '"':
			inWord, inQuotes = true, !inQuotes
		case (c == ' ' || c == '\t') && !inQuotes:
			if inWord {
				words = append(words, word.String())
				word.Reset()
				inWord = false
			}
		default:
			word.WriteByte(c)
			inWord = true
		}
	}
	if inQuotes {
		return nil, errorf(CodeOther, "No closing quotation in string: %s", s)
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, nil
}
