package repair_test

import (
	"slices"
	"strings"
	"testing"

	"ssmguard/guard"
	"ssmguard/guard/finding"
	"ssmguard/guard/guardtest"
	"ssmguard/guard/policy"
	"ssmguard/guard/policy/source"
	"ssmguard/guard/repair"
)

// TestRevisionsSayWhatWasProven: the repair of each rule's case, made in the policies' texts,
// gives the statements with which it was proven, however the texts are laid out.
func TestRevisionsSayWhatWasProven(t *testing.T) {
	layouts := map[string]func(string) string{
		"wide":     func(text string) string { return source.Format(text, 100) },
		"narrow":   func(text string) string { return source.Format(text, 20) },
		"one line": func(text string) string { return text },
		"tabs, DOS": func(text string) string {
			return strings.NewReplacer("  ", "\t", "\n", "\r\n").Replace(source.Format(text, 20))
		},
	}
	revised := 0
	for _, f := range guardtest.Faults(t) {
		d := repair.Merge(repair.Propose(finding.Explain(f.Check(t))))
		if d.Fix == nil || d.Policies == nil {
			continue
		}
		want := *d.Policies
		for _, c := range d.Fix.Changes {
			var err error
			if want, err = guard.Apply(want, c); err != nil {
				t.Fatalf("%s: %v", f.Code, err)
			}
		}
		for name, layout := range layouts {
			d.Request.Files, d.Texts = true, texts(d, layout)
			for _, r := range d.Revisions(*d.Fix, 80) {
				switch {
				case r.Source == "" && len(d.Texts) == 0:
					continue // the case has no policies
				case r.Source == "":
					t.Errorf("%s, %s: no file takes the statement for %s", f.Code, name, r.Where)
					continue
				case r.Err != nil:
					if !strings.Contains(r.Err.Error(), "the only statement") {
						t.Errorf("%s, %s: %v", f.Code, name, r.Err)
					}
					continue
				}
				doc, err := policy.Parse(r.Layer, r.Source, []byte(r.New.Text))
				if err != nil {
					t.Errorf("%s, %s: %v\n%s", f.Code, name, err, r.New.Text)
					continue
				}
				var added []string
				for _, c := range r.Changes {
					if c.Kind == guard.AddStatement {
						added = append(added, c.Where)
					}
				}
				if got, want := plain(doc.Statements), plain(of(want, r, added)); !slices.Equal(got, want) {
					t.Errorf("%s, %s: %s\nhas  %s\nwant %s", f.Code, name, r.Source, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
				}
				revised++
			}
		}
	}
	if revised < 100 {
		t.Errorf("only %d texts were revised", revised)
	}
}

// texts are the policies of a decision as files.
func texts(d guard.Decision, layout func(string) string) map[string]guard.PolicyText {
	out := make(map[string]guard.PolicyText)
	d.Texts = nil
	for _, l := range guard.LayersOf(*d.Policies) {
		for _, s := range l.Statements {
			if text, ok := d.TextOf(s.At.Source, 0); ok {
				out[s.At.Source] = guard.PolicyText{File: s.At.Source, Text: layout(text.Text), Whole: true, Lined: true}
			}
		}
	}
	return out
}

// of are the statements that a revision's policy should have: its own, and those added.
func of(set policy.Set, r guard.Revision, added []string) (all []policy.Statement) {
	for _, l := range guard.LayersOf(set) {
		for _, s := range l.Statements {
			if l.Kind == r.Layer && (s.At.Source == r.Source || slices.Contains(added, s.At.Source)) {
				all = append(all, s)
			}
		}
	}
	return all
}

// plain are statements as JSON, in an order of their own, each list as one.
func plain(statements []policy.Statement) (all []string) {
	for i := range statements {
		if d, err := guard.CopyOf(&statements[i]); err == nil {
			all = append(all, d.String())
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
