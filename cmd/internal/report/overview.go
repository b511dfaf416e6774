package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"ssmguard/guard"
	"ssmguard/guard/finding"
	"ssmguard/guard/policy"
	"ssmguard/guard/policy/source"
	"ssmguard/internal/safetext"
)

// Overview is a decision in the order in which a person reads it. All renderers for people
// tell the same of it; its texts are of others in part, and not made safe for any syntax.
type Overview struct {
	Verdict string       // "allowed", "undecided" or "denied"
	Head    string       // the verdict as a sentence
	Codes   []guard.Code // of the findings about required grants, else of those about others, each once
	Rows    []Row
	About
	Others []guard.Finding // what else was found, about no grant or merely worth knowing
}

// About is what there is to say of some findings: the policies' own lines, what else is to
// be said, the repair.
type About struct {
	Excerpts []Excerpt
	Remarks  []string
	Fixes    []Way  // the repair, and other ways; several repairs if they do not go together
	Ask      string // who has to act, if not the caller's own administrator
}

// State is how it stands with one grant.
type State int

// The states of a grant.
const (
	Allowed   State = iota
	Denied          // the session cannot start without it
	Missing         // it is denied, and something will fail later
	Undecided       // it cannot be told
)

// Row is one thing that must be granted.
type Row struct {
	Name   string // "target", "document", "resume, end" ...
	State  State
	Text   string
	Grants []string // their IDs
}

// Way is one way to repair something, with what it makes of each policy.
type Way struct {
	*guard.Fix
	Other     bool // it is another way than the one before
	Revisions []guard.Revision
}

// Excerpt are marked places of one policy.
type Excerpt struct {
	Source string // as the statements' positions have it
	guard.PolicyText
	Alone bool   // the text is that of the marked statement, and not all of the policy
	Marks []Mark // in the order of the text
}

// Mark is a place in a policy, and what is wrong there.
type Mark struct {
	At        policy.Pos
	Statement source.Span
	Span      source.Span
	Note      string
	Level     guard.Level
	Code      guard.Code
}

var rowNames = map[string]string{
	guard.GrantTarget: "target", guard.GrantDocument: "document", guard.GrantResume: "resume", guard.GrantTerminate: "end",
	guard.GrantDataChannel: "data channel", guard.GrantKMS: "key", guard.GrantTask: "task", guard.GrantCluster: "cluster",
}

// NewOverview sorts a decision. Policies that stand in no file are printed for a width; 0 is
// without limit.
func NewOverview(d guard.Decision, width int) Overview {
	o := Overview{Rows: rows(d)}
	o.Verdict, o.Head = verdict(d)
	var about []guard.Finding
	fault, faulty := finding.DocumentFault(d.Request, d.Facts)
	for _, f := range d.Findings {
		ofDocument := faulty && f.Level == guard.Error && f.Code == fault.Code && f.Summary == fault.Summary
		if f.Grant == "" && !ofDocument || f.Level == guard.Note {
			o.Others = append(o.Others, f)
			continue
		}
		about = append(about, f)
		for i := range o.Rows {
			if ofDocument && o.Rows[i].Name == rowNames[guard.GrantDocument] {
				o.Rows[i].Text = f.Summary // no grant would help
			}
		}
	}
	required := func(f guard.Finding) bool { return !grantOf(d, f.Grant).Advisory }
	for _, f := range about {
		if (required(f) || !slices.ContainsFunc(about, required)) && !slices.Contains(o.Codes, f.Code) {
			o.Codes = append(o.Codes, f.Code)
		}
	}
	o.About = NewAbout(d, about, width)
	return o
}

// NewAbout says what there is to say of some findings of a decision. The decision's Fix, if
// there is one, is told in the place of theirs.
func NewAbout(d guard.Decision, findings []guard.Finding, width int) About {
	var a About
	var fixes []*guard.Fix
	for _, f := range findings {
		for _, n := range f.Nearest {
			if !a.mark(d, f, n, width) {
				a.remark(fmt.Sprintf("%s: %s", n.At, n.Why))
			}
		}
		if f.Fix != nil && !slices.ContainsFunc(fixes, f.Fix.Same) {
			fixes = append(fixes, f.Fix)
		}
	}
	a.details(d, findings)
	for i := range a.Excerpts {
		slices.SortStableFunc(a.Excerpts[i].Marks, func(x, y Mark) int { return cmp.Compare(x.Span.Start, y.Span.Start) })
	}
	add := func(f *guard.Fix, other bool) {
		a.Fixes = append(a.Fixes, Way{f, other, d.Revisions(*f, width)})
		a.Ask = cmp.Or(a.Ask, f.Ask)
	}
	if d.Fix != nil && len(fixes) > 0 { // else it is that of what is told by itself
		add(d.Fix, false)
	}
	for _, f := range fixes {
		if d.Fix == nil {
			add(f, false)
		}
		for or := f.Or; or != nil; or = or.Or {
			add(or, true)
		}
	}
	return a
}

// details adds what findings say beside their statements, once. Where they say different
// things, each begins with the row that it is about.
func (a *About) details(d guard.Decision, findings []guard.Finding) {
	var texts []string
	of := make(map[string][]string)
	all := rows(d)
	say := func(text, grant string) {
		row := rowNames[grant]
		for _, r := range all {
			if slices.Contains(r.Grants, grant) {
				row = r.Name
			}
		}
		if !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
		if row != "" && !slices.Contains(of[text], row) {
			of[text] = append(of[text], row)
		}
	}
	for _, f := range findings {
		if f.Grant != "" && f.Summary != "" && !plain(d, f) {
			say(f.Summary, "")
		}
		if f.Detail != "" && f.Detail != ClosedNote {
			say(strings.TrimSuffix(f.Detail, "; "+ClosedNote), f.Grant)
		}
	}
	for _, text := range texts {
		if rows := of[text]; len(rows) > 0 && len(rows) < len(findings) {
			text = strings.Join(rows, ", ") + ": " + text
		}
		a.remark(text)
	}
}

// plain reports whether a finding's summary says no more than its row.
func plain(d guard.Decision, f guard.Finding) bool {
	return len(d.Grants) > 0 && strings.HasPrefix(f.Summary, d.Request.Caller.Name()+" may ") ||
		strings.HasPrefix(f.Summary, "whether ")
}

func (a *About) remark(text string) {
	if !slices.Contains(a.Remarks, text) {
		a.Remarks = append(a.Remarks, text)
	}
}

// mark marks the place of a near miss in its policy's text, where that is known.
func (a *About) mark(d guard.Decision, f guard.Finding, n guard.Near, width int) bool {
	i := slices.IndexFunc(a.Excerpts, func(e Excerpt) bool { return e.Source == n.At.Source && (!e.Alone || e.Marks[0].At == n.At) })
	e := Excerpt{Source: n.At.Source}
	if i >= 0 {
		e = a.Excerpts[i]
	} else {
		var ok bool
		if e.PolicyText, ok = d.TextOf(n.At.Source, width); !ok {
			e.Alone = true
			if e.PolicyText, ok = d.StatementText(n.At, width); !ok {
				return false
			}
		}
	}
	shown := n
	if e.Alone {
		shown.At.Index = 0
	}
	m, ok := marked(e.PolicyText, f, shown)
	if !ok {
		return false
	}
	m.At = n.At
	if !slices.ContainsFunc(e.Marks, func(o Mark) bool { return o.Span == m.Span && o.Note == m.Note }) {
		e.Marks = append(e.Marks, m)
	}
	if i >= 0 {
		a.Excerpts[i] = e
	} else {
		a.Excerpts = append(a.Excerpts, e)
	}
	return true
}

// marked returns the mark of a near miss in a policy's text. It is not ok if the text does
// not have the statement.
func marked(text guard.PolicyText, f guard.Finding, n guard.Near) (m Mark, ok bool) {
	m = Mark{At: n.At, Note: cmp.Or(n.Note, n.Why), Level: f.Level, Code: f.Code}
	if m.Statement, ok = source.Statement(text.Text, n.At.Index); ok {
		m.Span, ok = source.Locate(text.Text, n.At.Index, n.Part)
	}
	return m, ok
}

// ClosedNote says of an answer that it is one about policies alone, closed.
const ClosedNote = "what was not stated was taken for absent (--closed)"

// verdict is the outcome of a decision in a word and in a sentence.
func verdict(d guard.Decision) (word, sentence string) {
	who := d.Request.Caller.Name()
	closed := ""
	if d.Request.Closed && d.Request.Files {
		closed = "; " + ClosedNote
	}
	on := "start a session on " + safetext.Line(d.Request.Target)
	if d.Request.Container != "" {
		on = "run commands in " + safetext.Line(d.Request.Target)
	}
	with := " with " + document(d.Request)
	if d.Request.Container != "" {
		with = ""
	}
	switch d.Verdict() {
	case policy.Allow:
		but := ""
		if unseen := d.Unseen(); len(unseen) > 0 {
			but = ", unless a " + strings.Join(unseen, " or a ") + " forbids it, which cannot be read"
		}
		return "allowed", who + " may " + on + with + but + closed
	case policy.Unknown:
		return "undecided", "it could not be told whether " + who + " may " + on + with + closed
	default:
		return "denied", who + " may not " + on + closed
	}
}

// rows are the grants of a decision; two that are allowed or not alike are one row.
func rows(d guard.Decision) []Row {
	var out []Row
	for _, g := range d.Grants {
		r := Row{Name: cmp.Or(rowNames[g.ID], safetext.Line(g.ID)), Grants: []string{g.ID}}
		r.State, r.Text = standing(d, g)
		if n := len(out); n > 0 && g.ID == guard.GrantTerminate && out[n-1].Grants[0] == guard.GrantResume && out[n-1].State == r.State {
			_, resumed := standing(d, grantOf(d, guard.GrantResume))
			if r.State != Allowed || resumed == r.Text {
				out[n-1].Name, out[n-1].Grants = "resume, end", append(out[n-1].Grants, g.ID)
				out[n-1].Text = strings.Replace(r.Text, g.Action, guard.ActionResume+" and "+g.Action, 1)
				continue
			}
		}
		out = append(out, r)
	}
	return out
}

func grantOf(d guard.Decision, id string) guard.Grant {
	for _, g := range d.Grants {
		if g.ID == id {
			return g
		}
	}
	return guard.Grant{}
}

// standing says how it stands with a grant: what allows it, or what is missing.
func standing(d guard.Decision, g guard.Grant) (State, string) {
	m := d.Of(g.ID)
	resource := g.Resource
	if g.ID == guard.GrantDataChannel {
		resource = "*" // nothing documents on which resource AWS asks for it
	}
	need := g.Action + " on " + resource
	switch m.Verdict {
	case policy.Allow:
		return Allowed, "allowed by " + deciding(d, m)
	case policy.Unknown:
		keys, layers := guard.SplitDepends(m.DependsOn)
		switch on := append(keys, layers...); {
		case m.Contradict:
			return Undecided, "the judges disagree on " + need
		case len(on) > 0:
			return Undecided, "turns on " + guard.Join(on, "and") + ", which is not known here"
		}
		return Undecided, "it could not be told whether " + need + " is allowed"
	}
	state := Denied
	if g.Advisory {
		state = Missing
	}
	if m.Verdict == policy.ExplicitDeny {
		return state, "forbidden: " + need
	}
	return state, "not granted: " + need
}

// deciding names the statement that allows, or the judge that says so.
func deciding(d guard.Decision, m guard.Merged) string {
	for _, judge := range []string{guard.Local{}.Name(), ""} {
		for _, r := range m.Rulings {
			if by := r.Answer.By; (judge == "" || r.Judge == judge) && r.Answer.Verdict == policy.Allow && len(by) > 0 {
				if len(by) > 1 {
					return fmt.Sprintf("%s (and %d more)", d.Position(by[0]), len(by)-1)
				}
				return d.Position(by[0]).String()
			}
		}
	}
	if len(m.Rulings) > 0 && m.Rulings[0].Judge == (guard.Local{}).Name() {
		return "the policies read here"
	}
	return "IAM's simulation"
}
