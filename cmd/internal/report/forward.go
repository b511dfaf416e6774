package report

import (
	"cmp"
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
	o := NewOverview(d, messageWidth)
	var b letter
	switch o.Verdict {
	case "allowed":
		safetext.Fprintf(&b, "This session is allowed; there is nothing to ask for.\n\n")
	case "undecided":
		safetext.Fprintf(&b, "Please look whether I may start this session; it could not be told from here.\n\n")
	default:
		safetext.Fprintf(&b, "Please let me start this session, which IAM denies.\n\n")
	}
	row := b.row
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
			b.statement(c.Statement)
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

// messageWidth is how wide the lines of a message are, wherever it is printed: it is pasted elsewhere.
const messageWidth = 80

// letter is the text of a message to forward: rows of a label and what it is about.
type letter struct{ strings.Builder }

func (m *letter) row(label, text string) {
	safetext.Fprintf(m, "%-10s%s\n", label, wrap(text, strings.Repeat(" ", 10), 10, messageWidth))
}

// statement writes a policy's statement, laid out, below a row; nothing for "".
func (m *letter) statement(json string) {
	if json == "" {
		return
	}
	for line := range strings.Lines(source.Format(json, messageWidth-10)) {
		safetext.Fprintf(m, "          %s\n", safetext.Own(spaced(strings.TrimSuffix(line, "\n"))))
	}
}

// Lookup is a target that could not be looked up by the name that was given.
type Lookup struct {
	Request    guard.Request // with the name in place of the target, and the caller if that is known
	Answer     string        // what the look-up found, if it was answered
	Candidates []string      // the targets that the name may mean
	Calls      []LookupCall  // those that were not answered
}

// LookupCall is a call of a look-up that failed.
type LookupCall struct {
	Permission string // "ec2:DescribeInstances"
	Answer     string // AWS's answer, or why there was none
	Denied     bool   // IAM did not allow it
	Why        string // what forbids it, for a denial that a statement more does not mend
}

// ForwardLookup writes a message to somebody who may look: who asks for what, what was tried,
// what AWS answered, and the permissions with which the caller could look. The calls of a
// look-up have no resources of their own, so they are granted on "*" (Service Authorization
// Reference, "Actions defined by Amazon EC2" and "... by AWS Systems Manager").
func ForwardLookup(w io.Writer, l Lookup) error {
	var b letter
	var missing []string
	forbidden := ""
	for _, c := range l.Calls {
		if c.Denied {
			missing = append(missing, `"`+c.Permission+`"`)
			forbidden = cmp.Or(forbidden, c.Why)
		}
	}
	switch {
	case len(missing) > 0:
		safetext.Fprintf(&b, "Please let me look for the target of this session, which IAM denies.\n\n")
	case len(l.Calls) > 0:
		safetext.Fprintf(&b, "Please tell me the id of this session's target; AWS does not answer me.\n\n")
	case len(l.Candidates) > 0:
		safetext.Fprintf(&b, "Please tell me which of these targets I am to use; they have one name.\n\n")
	default:
		safetext.Fprintf(&b, "Please tell me the id and the Region of this session's target; I cannot find it.\n\n")
	}
	for _, r := range requestRows(guard.Decision{Request: l.Request}) {
		if r[1] != "" {
			b.row(r[0], r[1])
		}
	}
	if l.Answer != "" {
		b.row("answer", l.Answer)
	}
	for _, c := range l.Calls {
		b.row("answer", c.Answer)
	}
	for _, c := range l.Candidates {
		b.row("one of", c)
	}
	switch {
	case forbidden != "":
		b.row("why", forbidden)
	case len(missing) > 0:
		b.row("fix", "allow me the look-up:")
		b.statement(`{"Effect":"Allow","Action":[` + strings.Join(missing, ",") + `],"Resource":"*"}`)
		b.row("or", "tell me the target's id: with that nothing has to be looked up")
	}
	_, err := io.WriteString(w, b.String())
	return err
}
