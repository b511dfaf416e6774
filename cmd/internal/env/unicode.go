package env

import (
	"cmp"
	"runtime"
	"strings"
)

// Unicode reports whether stderr is a terminal that shows characters beyond ASCII: the
// locale says so, or on Windows the terminal's program does.
func (p *Process) Unicode() bool {
	if !p.ErrTerminal || p.Getenv("TERM") == "dumb" {
		return false
	}
	locale := cmp.Or(p.Getenv("LC_ALL"), p.Getenv("LC_CTYPE"), p.Getenv("LANG"))
	if locale == "" && runtime.GOOS == "windows" {
		return p.Getenv("WT_SESSION") != "" || p.Getenv("TERM_PROGRAM") != ""
	}
	name := strings.ToLower(strings.ReplaceAll(locale, "-", ""))
	return strings.Contains(name, "utf8")
}
