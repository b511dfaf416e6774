package report

import (
	"fmt"
	"io"
	"strings"

	"ssmguard/guard"
	"ssmguard/internal/safetext"
)

// lintJSON is what lint finds, as schema/lint.schema.json describes it.
type lintJSON struct {
	Protocol int           `json:"protocol"`
	Policies int           `json:"policies"`
	Findings []findingJSON `json:"findings"`
}

// LintJSON writes, for programs, what was found in a number of policies: the findings of a
// decision that has nothing else but the policies' texts.
func LintJSON(w io.Writer, policies int, d guard.Decision) error {
	out := lintJSON{Protocol: Protocol, Policies: policies, Findings: []findingJSON{}}
	for _, f := range d.Findings {
		out.Findings = append(out.Findings, newFinding(d, f))
	}
	return NewJSON(w).enc.Encode(out)
}

// Lint writes a line for each finding about the text of a policy, as compilers and editors
// have it: FILE:LINE:COLUMN: LEVEL: what is wrong [CODE].
func Lint(w io.Writer, d guard.Decision) error {
	for _, f := range d.Findings {
		at := ""
		if len(f.Nearest) > 0 {
			at = place(d, f) + ": "
		}
		if _, err := safetext.Fprintf(w, "%s%s: %s [%s]\n", at, f.Level, f.Summary, f.Code); err != nil {
			return err
		}
	}
	return nil
}

// place writes where a finding is: line and column where they are those of a file.
func place(d guard.Decision, f guard.Finding) string {
	at := f.Nearest[0].At
	if fault := newFault(d, f, f.Nearest[0]); fault != nil && at.Index >= 0 {
		return fmt.Sprintf("%s:%d:%d", fault.File, fault.Line, fault.Column)
	}
	switch inside := strings.Contains(at.Source, ": "); {
	case !inside && at.Line > 0:
		return fmt.Sprintf("%s:%d", at.Source, at.Line)
	case at.Index < 0:
		return at.Source
	}
	return at.String()
}
