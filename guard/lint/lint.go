package lint

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"ssmguard/guard"
	"ssmguard/guard/policy"
	"ssmguard/guard/policy/source"
)

// Document is a policy to be looked at.
type Document struct {
	Kind       policy.Kind
	Source     string
	Statements []policy.Statement
	Warnings   []policy.Warning // of the parser
}

// Findings returns what is wrong with a policy whatever is asked of it, in the order of its
// statements. An error or a warning is a fault; a note is worth knowing.
func Findings(d Document) []guard.Finding {
	var fs []guard.Finding
	for _, w := range d.Warnings {
		if w.Line == 0 && !strings.Contains(w.Msg, "AWS takes at most") {
			continue // too long for some uses, and what this policy is for is not known
		}
		at := policy.Pos{Source: d.Source, Index: -1, Line: w.Line}
		fs = append(fs, guard.Finding{Code: "SG008", Level: guard.Warning, Summary: w.Msg, Nearest: []guard.Near{{At: at, Why: w.Msg}}})
	}
	for i := range d.Statements {
		s := &d.Statements[i]
		draft, err := guard.CopyOf(s)
		if err != nil {
			continue // what was parsed can be written
		}
		look := statement{s: s, draft: draft, kind: d.Kind, ref: listed()}
		look.expand()
		look.actions()
		look.resources()
		look.conditions()
		fs = append(fs, look.found...)
	}
	fs = append(fs, ofSessions(d, slices.ContainsFunc(fs, func(f guard.Finding) bool { return f.Level == guard.Error }))...)
	slices.SortStableFunc(fs, func(a, b guard.Finding) int { return cmp.Compare(lineOf(a), lineOf(b)) })
	return fs
}

func lineOf(f guard.Finding) int {
	if len(f.Nearest) == 0 {
		return 0
	}
	return f.Nearest[0].At.Line
}

// statement is one statement that is looked at.
type statement struct {
	s     *policy.Statement
	draft guard.Draft
	kind  policy.Kind
	ref   reference

	// covered are the actions of listed services that the statement is about; whole reports
	// whether there are no others. A statement with NotAction is about all, listed or not.
	covered []action
	whole   bool
	found   []guard.Finding
}

func (l *statement) expand() {
	l.whole = len(l.draft.NotAction) == 0
	for _, pattern := range l.draft.Action {
		prefix, _, _ := strings.Cut(strings.ToLower(pattern), ":")
		l.whole = l.whole && l.ref.services[prefix] != nil
		for _, a := range l.ref.matching(pattern) {
			if !slices.ContainsFunc(l.covered, func(c action) bool { return c.name == a.name }) {
				l.covered = append(l.covered, a)
			}
		}
	}
}

// verb is what the statement does: "allows" or "denies".
func (l *statement) verb() string {
	if l.s.Denies() {
		return "denies"
	}
	return "allows"
}

// add notes a fault of a part of the statement.
func (l *statement) add(code guard.Code, level guard.Level, part source.Part, format string, args ...any) {
	why := fmt.Sprintf(format, args...)
	l.found = append(l.found, guard.Finding{Code: code, Level: level, Summary: why, Nearest: []guard.Near{{At: l.s.At, Why: why, Part: part}}})
}

// either is the part of an element or of its negation, whichever the statement has.
func either(negated bool, element, value string) source.Part {
	if negated {
		element = "Not" + element
	}
	return source.Part{Element: element, Value: value}
}

// conditionPart is the part of a condition, or of one of its values.
func conditionPart(c policy.Condition, value string) source.Part {
	return source.Part{Element: "Condition", Operator: c.Operator, Key: c.Key, Value: value}
}

// meant writes a suggestion, "" for none.
func meant(word string) string {
	if word == "" {
		return ""
	}
	return "; did you mean " + word + "?"
}

// Refused is the finding about a document that IAM refuses. Source names the document.
func Refused(source string, fault *policy.SyntaxError) guard.Finding {
	at := policy.Pos{Source: source, Index: -1, Line: fault.Line}
	return guard.Finding{Code: "SG007", Level: guard.Error, Summary: fmt.Sprintf("no policy: %s (column %d)", fault.Msg, fault.Column),
		Nearest: []guard.Near{{At: at, Why: fault.Msg}}}
}
