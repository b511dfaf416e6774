package yamlfile

import (
	"fmt"
	"slices"
	"strings"

	"ssmguard/internal/safetext"
)

// Fault is one fault in a user's file, with its line and, if known, a correction.
type Fault struct {
	File string
	Line int // from 1; 0 when the fault is about the whole file
	Text string
}

// Error returns "file:line: text", on one line.
func (f Fault) Error() string {
	if f.Line == 0 {
		return safetext.Sprintf("%s: %s", f.File, f.Text)
	}
	return safetext.Sprintf("%s:%d: %s", f.File, f.Line, f.Text)
}

// Faults are the faults of one file, in the order of its lines.
type Faults []Fault

// Error returns one line per fault; of very many the first ones, and their number.
func (fs Faults) Error() string {
	all := fs.Unwrap()
	lines := make([]string, len(all))
	for i, f := range all {
		lines[i] = f.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the errors of the lines of Error.
func (fs Faults) Unwrap() []error {
	var all []error
	for _, f := range fs[:min(len(fs), maxFault)] {
		all = append(all, f)
	}
	if more := len(fs) - len(all); more > 0 {
		all = append(all, Fault{File: fs[0].File, Text: fmt.Sprintf("%d more faults", more)})
	}
	return all
}

// Err returns the faults sorted by line, or nil when there are none.
func (fs Faults) Err() error {
	if len(fs) == 0 {
		return nil
	}
	slices.SortStableFunc(fs, func(a, b Fault) int { return a.Line - b.Line })
	return fs
}
