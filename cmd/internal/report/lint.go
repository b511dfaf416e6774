package report

import (
	"fmt"
	"io"
	"strings"

	"ssmguard/guard"
	"ssmguard/guard/policy"
	"ssmguard/internal/safetext"
)

// lintJSON is what lint finds, as schema/lint.schema.json describes it.
type lintJSON struct {
	Protocol int           `json:"protocol"`
	Policies int           `json:"policies"`
	Findings []findingJSON `json:"findings"`
}

// LintJSON writes, for programs, what was found in a number of policies.
func LintJSON(w io.Writer, policies int, found []guard.Finding) error {
	out := lintJSON{Protocol: Protocol, Policies: policies, Findings: []findingJSON{}}
	for _, f := range found {
		out.Findings = append(out.Findings, newFinding(guard.Decision{}, f))
	}
	return NewJSON(w).enc.Encode(out)
}

// Lint writes a line for each finding about the text of a policy, as compilers and editors
// have it: FILE:LINE: LEVEL: what is wrong [CODE].
func Lint(w io.Writer, found []guard.Finding) error {
	for _, f := range found {
		at := ""
		if len(f.Nearest) > 0 {
			at = place(f.Nearest[0].At) + ": "
		}
		if _, err := safetext.Fprintf(w, "%s%s: %s [%s]\n", at, f.Level, f.Summary, f.Code); err != nil {
			return err
		}
	}
	return nil
}

// place writes where a finding is: a line where the policy is a file of its own.
func place(at policy.Pos) string {
	switch inside := strings.Contains(at.Source, ": "); {
	case !inside && at.Line > 0 && at.Sid != "":
		return fmt.Sprintf("%s:%d: %s", at.Source, at.Line, at.Sid)
	case !inside && at.Line > 0:
		return fmt.Sprintf("%s:%d", at.Source, at.Line)
	case at.Index < 0:
		return at.Source
	}
	return at.String()
}
