package awscli

import (
	"errors"
	"regexp"
	"strings"
	"sync"
)

var (
	lostQuotes = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`'(--[a-z-]+)': Invalid JSON: [^\n]*\nJSON received: \{\s*([A-Za-z][^"\n]*)\}\s*$`)
	})
	lostPair = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^\s*([A-Za-z]\w*)\s*:\s*\[?\s*([\w.:/-]+)\s*\]?\s*$`)
	})
)

// WithoutQuotes returns how to write the value of an option whose JSON has lost its double
// quotes, as Windows PowerShell and cmd.exe take them away: in the form that needs none. It is
// "" for other errors.
func WithoutQuotes(err error) string {
	var usage *UsageError
	if !errors.As(err, &usage) {
		return ""
	}
	m := lostQuotes().FindStringSubmatch(usage.Message)
	if m == nil {
		return ""
	}
	var words []string
	for pair := range strings.SplitSeq(m[2], ",") {
		kv := lostPair().FindStringSubmatch(pair)
		if kv == nil {
			return m[1] + " portNumber=3306,localPortNumber=13306"
		}
		words = append(words, kv[1]+"="+kv[2])
	}
	return m[1] + " " + strings.Join(words, ",")
}
