package report

import (
	"cmp"
	"io"
	"strings"
	"unicode/utf8"

	"ssmguard/guard"
	"ssmguard/guard/policy/source"
	"ssmguard/internal/safetext"
	"ssmguard/internal/screen"
)

// Text renders for people. What is denied, and in a check every answer, is
//
//	ssmguard: denied: VERDICT [CODE]
//	  ok  target    allowed by STATEMENT
//	  no  document  not granted: ACTION on RESOURCE
//
//	  POLICY
//	   7 | THE LINE
//	     |     ^^^^ what is wrong there
//
//	  fix   what to do
//	        + {"Effect": "Allow", ...}
//	        checked: ...
//	  more  ssmguard explain CODE
//
// and then what else was found. Before a session a warning is one line and notes are left
// out; `ssmguard check` tells the rest.
type Text struct {
	w      io.Writer
	style  Style
	config Config
}

// Style is how text is written.
type Style struct {
	Width  int  // lines are at most so wide, where they can be broken; 0 breaks none
	Colour bool // with escapes for colours
	ASCII  bool // with no other characters of ours than those of ASCII
}

// NewText returns a Handler that writes text in a style.
func NewText(w io.Writer, style Style) *Text {
	return &Text{w: w, style: style}
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
	if !t.config.EachFinding && (d.Verdict().Denies() || t.config.CheckOnly) {
		o := NewOverview(d, t.policyWidth())
		t.overview(&b, o)
		for _, f := range o.Others {
			t.finding(&b, d, f)
		}
	} else {
		for _, f := range d.Findings {
			t.finding(&b, d, f)
		}
	}
	_, err := io.WriteString(t.w, b.String())
	return err
}

// Close implements Handler.
func (t *Text) Close() error { return nil }

// policyWidth is how wide policies are printed: with their line numbers they fit. Where the
// width is not known they are as in a file.
func (t *Text) policyWidth() int {
	const gutter, usual = 10, 100
	if t.style.Width == 0 {
		return usual
	}
	return max(t.style.Width-gutter, 20)
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
func document(r guard.Request) string { return cmp.Or(r.Document, guard.DefaultDocument) }

func (t *Text) overview(b *strings.Builder, o Overview) {
	codes := ""
	for i, c := range o.Codes {
		codes += map[bool]string{true: " [", false: ", "}[i == 0] + string(c)
	}
	if codes != "" {
		codes += "]"
	}
	word := t.paint(verdictColour[o.Verdict], o.Verdict)
	const begin = "ssmguard: "
	column := len(begin) + len(o.Verdict) + 2
	if n := column + utf8.RuneCountInString(safetext.Line(o.Head)); n <= t.style.Width && n+len(codes) > t.style.Width {
		codes = "" // the verdict is one line, and the last has the codes, too
	}
	safetext.Fprintf(b, begin+"%s: %s\n", word, wrap(o.Head+codes, "  ", column, t.style.Width))
	t.rows(b, o.Rows)
	t.about(b, o.About)
	if len(o.Codes) > 0 {
		t.row(b, "more", more(o.Codes))
	}
}

// more is the command that tells more about findings.
func more(codes []guard.Code) string {
	text := "ssmguard explain " + string(codes[0])
	for i, c := range codes[1:] {
		text += map[bool]string{true: ", or ", false: ", "}[i == 0] + string(c)
	}
	return text
}

// rowSigns are what a row begins with.
var rowSigns = map[bool]map[State]string{
	false: {Allowed: "✓", Denied: "✗", Missing: "!", Undecided: "?"},
	true:  {Allowed: "ok", Denied: "no", Missing: "! ", Undecided: "? "},
}

var stateColour = map[State]string{Allowed: green, Denied: red, Missing: yellow, Undecided: yellow}

// narrowest is the width from which a row's text has a column of its own.
const narrowest = 60

func (t *Text) rows(b *strings.Builder, rows []Row) {
	names := 0
	for _, r := range rows {
		names = max(names, len(r.Name))
	}
	for _, r := range rows {
		sign := rowSigns[t.style.ASCII][r.State]
		before := 2 + utf8.RuneCountInString(sign) + 1
		name, indent := r.Name+strings.Repeat(" ", names-len(r.Name)), strings.Repeat(" ", before+names+2)
		column := len(indent)
		if t.style.Width > 0 && t.style.Width < narrowest {
			name, indent = r.Name, strings.Repeat(" ", before)
			column = before + len(name) + 2
		}
		safetext.Fprintf(b, "  %s %s  %s\n", t.paint(stateColour[r.State], sign), name, wrap(r.Text, indent, column, t.style.Width))
	}
}

// about writes what there is to say of findings below their head.
func (t *Text) about(b *strings.Builder, a About) {
	for _, e := range a.Excerpts {
		b.WriteByte('\n')
		t.excerpt(b, e)
	}
	if len(a.Excerpts) > 0 {
		b.WriteByte('\n')
	}
	for _, remark := range a.Remarks {
		t.row(b, "note", remark)
	}
	for _, w := range a.Fixes {
		t.way(b, map[bool]string{false: "fix", true: "or"}[w.Other], w)
	}
	if a.Ask != "" {
		t.row(b, "ask", a.Ask)
	}
}

func (t *Text) finding(b *strings.Builder, d guard.Decision, f guard.Finding) {
	if !t.config.CheckOnly && f.Level == guard.Note {
		return
	}
	const begin = "ssmguard: "
	safetext.Fprintf(b, begin+"%s: %s\n", t.levelled(f.Level, f.Level.String()),
		wrap(f.Summary+" ["+string(f.Code)+"]", "  ", len(begin)+len(f.Level.String())+2, t.style.Width))
	if !t.config.CheckOnly && f.Level != guard.Error {
		return
	}
	if f.Action != "" {
		t.row(b, "needs", f.Action+" on "+f.Resource)
	}
	f.Summary, d.Fix = "", nil // it is told; and here the finding's own repair counts
	t.about(b, NewAbout(d, []guard.Finding{f}, t.policyWidth()))
	if f.Fix != nil {
		for line := range strings.Lines(f.Fix.Message) {
			t.row(b, "", line)
		}
	}
	t.row(b, "more", "ssmguard explain "+string(f.Code))
}

// way writes one of the ways to repair something.
func (t *Text) way(b *strings.Builder, label string, w Way) {
	text := w.Text
	if len(w.Changes) > 0 {
		text += ":"
	}
	t.row(b, label, text)
	for _, r := range w.Revisions {
		t.revision(b, r, len(w.Revisions) > 1)
	}
	switch {
	case w.Checked:
		t.row(b, "", "checked: "+w.Check)
	case w.Check != "":
		t.row(b, "", "checked in part: "+w.Check)
	}
}

// revision writes what changes in a policy, as a patch. A statement that may go into any
// policy is all new lines.
func (t *Text) revision(b *strings.Builder, r guard.Revision, several bool) {
	if r.Source == "" || r.Err != nil {
		for i, c := range r.Changes {
			if c.Kind != guard.AddStatement || several && i == 0 {
				t.row(b, "", changeTitle(c))
			}
			t.added(b, c.Statement, i+1 < len(r.Changes))
		}
		return
	}
	from, to := r.Old.Text, r.New.Text
	switch {
	case r.Old.File == r.Source && minified(from):
		from, to = source.Format(from, t.policyWidth()), source.Format(to, t.policyWidth())
		t.row(b, "", r.Source+", laid out (--diff prints the patch of the file as it is)")
	case r.Old.File == r.Source:
		t.diff(b, "---", r.Source)
		t.diff(b, "+++", r.Source)
	default:
		t.row(b, "", r.Source)
	}
	for _, h := range source.Hunks(from, to) {
		t.diff(b, "@", strings.TrimPrefix(h.Header(), "@"))
		for _, l := range h.Lines {
			t.diff(b, string(l.Kind), l.Text)
		}
	}
}

// minified reports whether a text has lines that nobody reads.
func minified(text string) bool {
	const readable = 200
	for line := range strings.Lines(text) {
		if len(line) > readable && strings.Count(line, ",") > 3 {
			return true
		}
	}
	return false
}

// added writes a statement as new lines, with a comma if another stands behind it.
func (t *Text) added(b *strings.Builder, statement string, comma bool) {
	width := 0
	if t.style.Width > 0 {
		width = max(t.style.Width-len(indent)-2, 20)
	}
	if statement == "" {
		return
	}
	flat := source.Format(statement, 0)
	if width == 0 || utf8.RuneCountInString(flat) > width {
		flat = source.Format(statement, width)
	}
	if comma {
		flat += ","
	}
	for line := range strings.Lines(flat) {
		t.diff(b, "+", " "+strings.TrimSuffix(line, "\n"))
	}
}

// diff writes a line of a patch. What is hidden in it is escaped, its blanks stay.
func (t *Text) diff(b *strings.Builder, kind, text string) {
	colour := map[byte]string{'+': green, '-': red, '@': cyan}[kind[0]]
	if len(kind) > 1 {
		text = " " + text
	}
	line := kind + spaced(text)
	safetext.Fprintf(b, "%s%s\n", safetext.Own(indent), t.paint(colour, line))
}

func changeTitle(c guard.Change) string {
	switch c.Kind {
	case guard.ReplaceStatement:
		return "replace " + c.At.String() + " with"
	case guard.RemoveStatement:
		return "remove " + c.At.String()
	default:
		return "add to " + c.Where
	}
}

// indent is the column of what stands behind a row's label.
const indent = "        "

// row writes a label and its text, broken at blanks to fit the width.
func (t *Text) row(b *strings.Builder, label, text string) {
	safetext.Fprintf(b, "  %-6s%s\n", label, wrap(text, indent, len(indent), t.style.Width))
}

// wrap is screen.Wrap for text of others.
func wrap(text, indent string, column, width int) safetext.Own {
	return safetext.Own(safetext.Text(screen.Wrap(safetext.Line(text), indent, column, width)))
}

// The colours.
const (
	red    = "\x1b[1;31m"
	green  = "\x1b[32m"
	yellow = "\x1b[1;33m"
	cyan   = "\x1b[1;36m"
	faint  = "\x1b[2m"
	normal = "\x1b[0m"
)

var levelColour = map[guard.Level]string{guard.Error: red, guard.Warning: yellow, guard.Note: cyan}

var verdictColour = map[string]string{"allowed": green, "undecided": yellow, "denied": red}

// paint colours a text of ours, or one that is safe.
func (t *Text) paint(colour, text string) safetext.Own {
	if !t.style.Colour || colour == "" || text == "" {
		return safetext.Own(text)
	}
	return safetext.Own(colour + text + normal)
}

func (t *Text) levelled(l guard.Level, text string) safetext.Own {
	return t.paint(cmp.Or(levelColour[l], cyan), text)
}

func (t *Text) dim(text string) safetext.Own { return t.paint(faint, text) }

// marked returns a line, behind a blank, with what is marked in it in the colour of the mark.
func (t *Text) marked(l ExcerptLine) safetext.Own {
	if l.Text == "" {
		return ""
	}
	if l = l.dedent(-1); len(l.Marks) != 1 || !t.style.Colour {
		return safetext.Own(l.Text)
	}
	m := l.Marks[0]
	return safetext.Own(l.Text[:m.Start]) + t.levelled(m.Level, l.Text[m.Start:m.End]) + safetext.Own(l.Text[m.End:])
}
