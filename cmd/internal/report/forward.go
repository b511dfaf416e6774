package report

import (
	"io"
	"strings"

	"ssmguard/guard"
	"ssmguard/guard/policy/source"
	"ssmguard/internal/safetext"
)

// Forward renders a decision as a short message to whoever can grant what is missing: who
// asks for what, what is missing and why, the repair.
type Forward struct {
	w    io.Writer
	file string
}

// NewForward returns a Handler that writes one message. The file is a case that goes with it,
// "" for none.
func NewForward(w io.Writer, file string) *Forward { return &Forward{w, file} }

// Config implements Handler.
func (m *Forward) Config(Config) error { return nil }

// Close implements Handler.
func (m *Forward) Close() error { return nil }

// Decision implements Handler.
func (m *Forward) Decision(d guard.Decision) error {
	const width = 80
	o := NewOverview(d, width)
	var b strings.Builder
	switch o.Verdict {
	case "allowed":
		safetext.Fprintf(&b, "This session is allowed; there is nothing to ask for.\n\n")
	case "undecided":
		safetext.Fprintf(&b, "Please look whether I may start this session; it could not be told from here.\n\n")
	default:
		safetext.Fprintf(&b, "Please let me start this session, which IAM denies.\n\n")
	}
	row := func(label, text string) {
		safetext.Fprintf(&b, "%-10s%s\n", label, wrap(text, strings.Repeat(" ", 10), 10, width))
	}
	for _, r := range requestRows(d) {
		row(r[0], r[1])
	}
	for _, r := range o.Rows {
		if r.State != Allowed {
			row("missing", r.Name+": "+r.Text)
		}
	}
	for _, e := range o.Excerpts {
		for _, n := range e.Marks {
			row("why", n.At.String()+": "+n.Note)
		}
	}
	for _, remark := range o.Remarks {
		row("note", remark)
	}
	for _, w := range o.Fixes {
		label := "fix"
		if w.Other {
			label = "or"
		}
		row(label, w.Text)
		for _, c := range w.Changes {
			if c.Kind != guard.AddStatement {
				row("", changeTitle(c))
			}
			for line := range strings.Lines(source.Format(c.Statement, width-10)) {
				if c.Statement != "" {
					safetext.Fprintf(&b, "          %s\n", safetext.Own(spaced(strings.TrimSuffix(line, "\n"))))
				}
			}
		}
		switch {
		case w.Checked:
			row("", "checked: "+w.Check)
		case w.Check != "":
			row("", "checked in part: "+w.Check)
		}
	}
	if o.Ask != "" {
		row("who acts", o.Ask)
	}
	if m.file != "" {
		row("try it", "ssmguard check --case "+safetext.Word(m.file)+" --what-if-add FIX.json, without credentials")
	}
	if len(o.Codes) > 0 {
		row("more", more(o.Codes))
	}
	_, err := io.WriteString(m.w, b.String())
	return err
}
