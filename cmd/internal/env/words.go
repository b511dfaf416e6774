package env

import (
	"strings"

	"ssmguard/internal/nettext"
)

// OneLine returns an error's text on one line, with Go's errors of connections in words.
func OneLine(err error) string {
	if err == nil {
		return "no answer"
	}
	return strings.Join(strings.Fields(nettext.Of(err)), " ")
}

// UpperFirst makes a text's first letter a capital.
func UpperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
