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
