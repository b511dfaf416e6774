package report

import (
	"bytes"
	"strings"
	"testing"

	"ssmguard/guard/repair"
	"ssmguard/internal/safetext"
	"ssmguard/internal/safetext/safetexttest"
)

// TestForwarded: what is forwarded, as text and as a page, has the facts that a person is
// shown: verdict, rows, marked statements, remarks, repairs, who has to act.
func TestForwarded(t *testing.T) {
	for _, s := range everyRule(t) {
		d := repair.Merge(s.decision)
		o := NewOverview(d, 80)
		var facts []string
		for _, r := range o.Rows {
			if r.State != Allowed {
				facts = append(facts, r.Text)
			}
		}
		for _, e := range o.Excerpts {
			for _, m := range e.Marks {
				facts = append(facts, m.Note)
			}
		}
		facts = append(facts, o.Remarks...)
		for _, w := range o.Fixes {
			facts = append(facts, w.Text, w.Check)
		}
		facts = append(facts, o.Ask, d.Request.Target, document(d.Request))
		var text, page bytes.Buffer
		render(t, NewForward(&text, "case.json"), d, true)
		render(t, NewHTML(&page), d, true)
		plain := strings.Join(strings.Fields(text.String()), " ")
		shown := strings.NewReplacer("&lt;", "<", "&gt;", ">", "&#34;", `"`, "&#39;", "'", "&amp;", "&").Replace(page.String())
		for _, f := range facts {
			if want := strings.Join(strings.Fields(safetext.Line(f)), " "); !strings.Contains(plain, want) {
				t.Errorf("%s: the message lacks %q:\n%s", s.of.Code, want, text.String())
			}
			if want := safetext.Text(f); !strings.Contains(shown, want) {
				t.Errorf("%s: the page lacks %q", s.of.Code, want)
			}
		}
		for line := range strings.Lines(text.String()) {
			if command := strings.TrimSpace(line); strings.HasPrefix(command, "aws ") || strings.HasPrefix(command, "ssmguard ") {
				continue // it is whole, to be pasted
			}
			if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > 80 && len(strings.Fields(line)) > 2 && !strings.Contains(line, `"`) {
				t.Errorf("%s: a line of %d: %s", s.of.Code, n, line)
			}
		}
		if strings.Contains(page.String(), "<script") || strings.Contains(page.String(), "://") {
			t.Errorf("%s: the page has a script, or something that is fetched", s.of.Code)
		}
	}
}

// TestPageEscapes: text of others is text in a page.
func TestPageEscapes(t *testing.T) {
	d := everyRule(t)[0].decision
	h := safetexttest.Hostile + `<script>alert("x")</script>'&`
	d.Request.Target, d.Request.Document = h, h
	for i := range d.Findings {
		d.Findings[i].Summary, d.Findings[i].Detail = h, h
	}
	var page, text bytes.Buffer
	render(t, NewHTML(&page), d, true)
	render(t, NewForward(&text, h), d, true)
	if strings.Contains(page.String(), "<script") || !strings.Contains(page.String(), "&lt;script&gt;alert(&#34;x&#34;)&lt;/script&gt;&#39;&amp;") {
		t.Error("text of others is HTML in the page")
	}
	for name, out := range map[string]string{"page": page.String(), "message": text.String()} {
		if fault := safetexttest.Fault(out); fault != "" {
			t.Errorf("%s: %s", name, fault)
		}
	}
}
