package report

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"ssmguard/guard"
	"ssmguard/guard/policy"
	"ssmguard/internal/safetext"
)

// Text renders for people:
//
//	ssmguard: error: SUMMARY [CODE]
//	  needs    ACTION on RESOURCE
//	  nearest  STATEMENT: why it did not apply
//	  ...
//
// Before a session a warning is one line and notes are left out; `ssmguard check`
// tells the rest.
type Text struct {
	w      io.Writer
	width  int
	colour bool
	config Config
}

// NewText returns a Handler that writes lines of at most width columns where
// they can be broken (0: never break), with colours if asked for.
func NewText(w io.Writer, width int, colour bool) *Text {
	return &Text{w: w, width: width, colour: colour}
}

// Config implements Handler.
func (t *Text) Config(c Config) error {
	t.config = c
	return nil
}

// Decision implements Handler. A request that is allowed and has no findings
// gets a line only where the verdict is the answer.
func (t *Text) Decision(d guard.Decision) error {
	var b strings.Builder
	for _, f := range d.Findings {
		t.finding(&b, f)
	}
	if t.config.CheckOnly {
		b.WriteString(verdictLine(d))
	}
	_, err := io.WriteString(t.w, b.String())
	return err
}

// Close implements Handler.
func (t *Text) Close() error { return nil }

func verdictLine(d guard.Decision) string {
	who := d.Request.Caller.Name()
	closed := ""
	if d.Request.Closed && d.Request.Files {
		closed = "; what was not stated was taken for absent (--closed)"
	}
	what := safetext.Sprintf("a session on %s with %s", d.Request.Target, document(d.Request))
	switch v := d.Verdict(); v {
	case policy.Allow:
		but := ""
		if unseen := d.Unseen(); len(unseen) > 0 {
			but = ", unless a " + strings.Join(unseen, " or a ") + " forbids it, which cannot be read"
		}
		return safetext.Sprintf("ssmguard: allowed: %s may start %s%s%s\n", who, what, but, closed)
	case policy.Unknown:
		return safetext.Sprintf("ssmguard: undecided: it could not be told whether %s may start %s%s\n", who, what, closed)
	default:
		return safetext.Sprintf("ssmguard: denied (%s): %s may not start %s%s\n", v, who, what, closed)
	}
}

// VerdictText is a decision's verdict in one or two words: what a closed reading gave
// says so.
func VerdictText(d guard.Decision) string {
	if d.Request.Closed && d.Request.Files {
		return d.Verdict().String() + " (closed)"
	}
	return d.Verdict().String()
}

// document returns the document a request runs, which has a default.
func document(r guard.Request) string {
	if r.Document == "" {
		return "SSM-SessionManagerRunShell"
	}
	return r.Document
}

func (t *Text) finding(b *strings.Builder, f guard.Finding) {
	if !t.config.CheckOnly && f.Level == guard.Note {
		return
	}
	safetext.Fprintf(b, "ssmguard: %s: %s [%s]\n", t.paint(f.Level), f.Summary, f.Code)
	if !t.config.CheckOnly && f.Level != guard.Error {
		return
	}
	if f.Action != "" {
		t.row(b, "needs", f.Action+" on "+f.Resource)
	}
	for i, n := range f.Nearest {
		label := "nearest"
		if i > 0 {
			label = ""
		}
		t.row(b, label, fmt.Sprintf("%s: %s", n.At, n.Why))
	}
	if f.Detail != "" {
		t.row(b, "why", f.Detail)
	}
	if f.Fix != nil {
		t.fix(b, *f.Fix)
	}
	t.row(b, "more", "ssmguard explain "+string(f.Code))
}

func (t *Text) fix(b *strings.Builder, f guard.Fix) { t.way(b, "fix", f) }

// way writes one of the ways to repair something.
func (t *Text) way(b *strings.Builder, label string, f guard.Fix) {
	text := f.Text
	if len(f.Changes) > 0 {
		text += ":"
	}
	t.row(b, label, text)
	for _, c := range f.Changes {
		if c.Kind != guard.AddStatement || len(f.Changes) > 1 {
			t.row(b, "", changeTitle(c))
		}
		block(b, string(safetext.JSON([]byte(c.Statement))))
	}
	switch {
	case f.Checked:
		t.row(b, "", "checked: "+f.Check)
	case f.Check != "":
		t.row(b, "", "checked in part: "+f.Check)
	}
	if f.Or != nil {
		or := *f.Or
		or.Ask = "" // whom to ask is said once
		t.way(b, "or", or)
	}
	if f.Ask != "" {
		t.row(b, "ask", f.Ask)
		block(b, f.Message)
	}
}

func changeTitle(c guard.Change) string {
	switch c.Kind {
	case guard.ReplaceStatement:
		return fmt.Sprintf("replace %s with", c.At)
	case guard.RemoveStatement:
		return fmt.Sprintf("remove %s", c.At)
	default:
		return "add to " + c.Where
	}
}

// indent is the column of what stands behind a row's label.
var indent = strings.Repeat(" ", 11)

// row writes a label and its text, broken at blanks to fit the width.
func (t *Text) row(b *strings.Builder, label, text string) {
	safetext.Fprintf(b, "  %-9s%s\n", label, wrap(text, indent, len(indent), t.width))
}

// block writes lines under a row, as they are to be copied.
func block(b *strings.Builder, text string) {
	for line := range strings.Lines(text) {
		safetext.Fprintf(b, "%s%s\n", indent, strings.TrimRight(line, "\r\n"))
	}
}

// wrap breaks a text at blanks so that, with its first word at a column, no line
// is wider than width unless one word is; later lines get the indent. Width 0
// breaks nothing.
func wrap(text, indent string, column, width int) safetext.Own {
	var b strings.Builder
	for i, word := range strings.Fields(safetext.Line(text)) {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case width > 0 && column+1+n > width:
			b.WriteString("\n" + indent)
			column = len(indent)
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += n
	}
	return safetext.Own(safetext.Text(b.String()))
}

var levelColour = map[guard.Level]string{
	guard.Error:   "\x1b[1;31m",
	guard.Warning: "\x1b[1;33m",
	guard.Note:    "\x1b[1;36m",
}

func (t *Text) paint(l guard.Level) safetext.Own {
	if !t.colour {
		return safetext.Own(l.String())
	}
	return safetext.Own(levelColour[l] + l.String() + "\x1b[0m")
}
