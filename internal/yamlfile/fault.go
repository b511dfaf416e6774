package yamlfile

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Fault is one fault in a user's file, with its line and, if known, a correction.
type Fault struct {
	File string
	Line int // from 1; 0 when the fault is about the whole file
	Text string
}

// Error returns "file:line: text".
func (f Fault) Error() string {
	if f.Line == 0 {
		return fmt.Sprintf("%s: %s", f.File, f.Text)
	}
	return fmt.Sprintf("%s:%d: %s", f.File, f.Line, f.Text)
}

// Faults are the faults of one file, in the order of its lines.
type Faults []Fault

// Error returns one line per fault; of very many the first ones, and their number.
func (fs Faults) Error() string {
	shown := fs[:min(len(fs), maxFault)]
	lines := make([]string, len(shown))
	for i, f := range shown {
		lines[i] = f.Error()
	}
	if more := len(fs) - len(shown); more > 0 {
		lines = append(lines, fmt.Sprintf("%s: %d more faults", fs[0].File, more))
	}
	return strings.Join(lines, "\n")
}

// Err returns the faults sorted by line, or nil when there are none.
func (fs Faults) Err() error {
	if len(fs) == 0 {
		return nil
	}
	slices.SortStableFunc(fs, func(a, b Fault) int { return a.Line - b.Line })
	return fs
}

// Control reports whether a character is a control character: it moves the cursor, ends
// a line, or changes the direction of text.
func Control(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Bidi_Control)
}
