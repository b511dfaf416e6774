package report

import (
	"cmp"
	"io"
	"maps"
	"slices"
	"strings"

	"ssmguard/guard"
	"ssmguard/guard/policy/source"
)

// HTML renders a decision as a page to be forwarded: the facts of Text, for a browser.
type HTML struct{ page htmlPage }

// NewHTML returns a Handler that writes one page for one decision.
func NewHTML(w io.Writer) *HTML { return &HTML{htmlPage{w: w}} }

// Config implements Handler.
func (h *HTML) Config(Config) error { return nil }

// Close implements Handler.
func (h *HTML) Close() error { return h.page.end() }

// Decision implements Handler.
func (h *HTML) Decision(d guard.Decision) error {
	const policyWidth = 80
	o := NewOverview(d, policyWidth)
	p := &h.page
	p.begin("ssmguard: " + o.Verdict)
	mark, class := htmlVerdict(d)
	p.f("<h1><span class=\"%s\">%s</span>: %s</h1>\n<dl>\n", class, mark, o.Head)
	for _, row := range requestRows(d) {
		p.f("<dt>%s</dt><dd>%s</dd>\n", row[0], row[1])
	}
	p.f("</dl>\n<h2>What it takes</h2>\n<ul class=\"rows\">\n")
	for _, r := range o.Rows {
		p.f("<li><span class=\"%s\">%s %s</span>: %s</li>\n", stateClass[r.State], rowSigns[false][r.State], r.Name, r.Text)
	}
	p.f("</ul>\n")
	h.about(o.About)
	if o.Ask != "" {
		p.f("<p>Who has to act: <b>%s</b></p>\n", o.Ask)
	}
	if len(o.Others) > 0 {
		p.f("<h2>What else was found</h2>\n")
	}
	for _, f := range o.Others {
		p.f("<p>%s: %s [%s]</p>\n", f.Level.String(), f.Summary, string(f.Code))
		f.Summary = "" // it is told
		h.about(NewAbout(d, []guard.Finding{f}, policyWidth))
	}
	if len(o.Codes) > 0 {
		p.f("<p class=\"quiet\">More: <code>%s</code></p>\n", more(o.Codes))
	}
	return p.err
}

var stateClass = map[State]string{Allowed: "good", Denied: "bad", Missing: "open", Undecided: "open"}

// requestRows are what was asked, label and text.
func requestRows(d guard.Decision) [][2]string {
	r := d.Request
	target := r.Target
	if known := knownTags(d); known != "" {
		target += " (" + known + ")"
	}
	rows := [][2]string{{"who", cmp.Or(r.Caller.SessionARN, r.Caller.Name())}, {"target", target}, {"document", document(r)}}
	if r.Region != "" {
		rows = append(rows, [2]string{"region", r.Region})
	}
	return rows
}

// knownTags are the tags of a decision's target as far as they were read, the Name first, without
// those that AWS itself writes; "" for none.
func knownTags(d guard.Decision) string {
	const most = 4
	var tags []string
	for _, key := range slices.Sorted(maps.Keys(d.Facts.TargetTags)) {
		tag := key + "=" + d.Facts.TargetTags[key]
		switch {
		case strings.HasPrefix(key, "aws:"):
		case key == "Name":
			tags = append([]string{tag}, tags...)
		default:
			tags = append(tags, tag)
		}
	}
	if len(tags) > most {
		tags = append(tags[:most], "...")
	}
	return strings.Join(tags, ", ")
}

// about writes what there is to say of findings.
func (h *HTML) about(a About) {
	p := &h.page
	for _, e := range a.Excerpts {
		p.f("<h2>%s</h2>\n<pre>", e.Title())
		for _, l := range e.Lines() {
			h.line(l)
		}
		p.f("</pre>\n")
	}
	if len(a.Remarks) > 0 {
		p.f("<ul>\n")
		for _, remark := range a.Remarks {
			p.f("<li>%s</li>\n", remark)
		}
		p.f("</ul>\n")
	}
	for _, w := range a.Fixes {
		title := "Fix"
		if w.Other {
			title = "Or"
		}
		p.f("<h2>%s</h2>\n<p>%s</p>\n", title, w.Text)
		for _, r := range w.Revisions {
			h.revision(r)
		}
		switch {
		case w.Checked:
			p.f("<p class=\"quiet\">checked: %s</p>\n", w.Check)
		case w.Check != "":
			p.f("<p class=\"quiet\">checked in part: %s</p>\n", w.Check)
		}
	}
}

// line writes a line of an excerpt, its marked parts, and below it what is wrong with them.
func (h *HTML) line(l ExcerptLine) {
	p := &h.page
	if l.Number == 0 {
		p.f("<span class=\"quiet\">…</span>\n")
		return
	}
	p.f("<span class=\"quiet\">%s</span> ", pad(number(l.Number)))
	at := 0
	for _, m := range l.Marks {
		if m.Start < at {
			continue // within the mark before it
		}
		p.f("%s<mark>%s</mark>", l.Text[at:m.Start], l.Text[m.Start:m.End])
		at = m.End
	}
	p.f("%s\n", l.Text[at:])
	for _, m := range l.Marks {
		p.f("<span class=\"%s\">    ↑ %s</span>\n", levelClass[m.Level], m.Note)
	}
}

var levelClass = map[guard.Level]string{guard.Error: "bad", guard.Warning: "open", guard.Note: "quiet"}

// pad gives line numbers one width.
func pad(number string) string { return strings.Repeat(" ", max(3-len(number), 0)) + number }

// revision writes what changes in a policy, as a patch, or the statements to add.
func (h *HTML) revision(r guard.Revision) {
	p := &h.page
	if r.Source == "" || r.Err != nil {
		for _, c := range r.Changes {
			if c.Kind != guard.AddStatement {
				p.f("<p>%s</p>\n", changeTitle(c))
			}
			if c.Statement != "" {
				p.f("<pre class=\"good\">%s</pre>\n", source.Format(c.Statement, 80))
			}
		}
		return
	}
	p.f("<p class=\"quiet\">%s</p>\n<pre>", r.Source)
	for _, hunk := range source.Hunks(r.Old.Text, r.New.Text) {
		p.f("<span class=\"quiet\">%s</span>\n", hunk.Header())
		for _, l := range hunk.Lines {
			p.f("<span class=\"%s\">%s</span>\n", map[byte]string{'+': "good", '-': "bad"}[l.Kind], string(l.Kind)+spaced(l.Text))
		}
	}
	p.f("</pre>\n")
}
