package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ssmguard/guard"
	"ssmguard/guard/finding"
	"ssmguard/guard/guardtest"
	"ssmguard/guard/repair"
)

// situation is a rule's case and the decision on it.
type situation struct {
	of       guardtest.Fault
	decision guard.Decision
}

// everyRule returns every rule's case.
func everyRule(t *testing.T) (all []situation) {
	t.Helper()
	for _, f := range guardtest.Faults(t) {
		d := repair.Propose(finding.Explain(f.Check(t)))
		if f.Message != "" {
			refusal, ok := finding.ParseRefusal(f.Message)
			if !ok {
				t.Fatalf("not read: %s", f.Message)
			}
			d = finding.Refused(d, refusal)
		}
		all = append(all, situation{f, d})
	}
	return all
}

// styles are those in which every rule is printed: for a file, and for terminals of
// several widths.
var styles = map[string]Style{"text": {ASCII: true}, "40": {Width: 40}, "80": {Width: 80}, "120": {Width: 120}}

// TestEveryRulePrinted: each rule is printed in its case as in the golden files of
// its family, testdata/SG1xx.text and so on. What else there is to say of a case
// is in the files of that rule.
func TestEveryRulePrinted(t *testing.T) {
	families := make(map[string]*bytes.Buffer)
	missing := make(map[guard.Code]bool)
	for _, rule := range finding.Pages() {
		missing[rule.Code] = true
	}
	for _, s := range everyRule(t) {
		d := s.decision
		at := slices.IndexFunc(d.Findings, func(f guard.Finding) bool { return f.Code == s.of.Code && f.Grant == s.of.Grant })
		if at < 0 {
			t.Errorf("%s is not found in its case", s.of.Code)
			continue
		}
		delete(missing, s.of.Code)
		d.Findings = d.Findings[at : at+1]
		d = repair.Merge(d)
		for name, style := range styles {
			family := string(s.of.Code[:3]) + "xx." + name
			if families[family] == nil {
				families[family] = new(bytes.Buffer)
			}
			render(t, NewText(families[family], style), d, true)
			families[family].WriteByte('\n')
		}
	}
	for code := range missing {
		if strings.HasPrefix(string(code), "SG0") {
			continue // of policies without a request: guard/lint has their cases
		}
		t.Errorf("%s has no case", code)
	}
	for name, text := range families {
		golden(t, name, text.Bytes())
	}
	if got := slices.Sorted(maps.Keys(families)); len(got) != 9*len(styles) {
		t.Errorf("families: %v", got)
	}
}

// TestEveryRuleInJSON: the JSON of each rule's case conforms to the schema, and says
// what the decision says.
func TestEveryRuleInJSON(t *testing.T) {
	s := schema(t, "decision.schema.json")
	for _, situation := range everyRule(t) {
		d := situation.decision
		var out bytes.Buffer
		render(t, NewJSON(&out), d, true)
		conforms(t, s, string(situation.of.Code), out.Bytes())
		var got decisionJSON
		if err := json.Unmarshal(out.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		if got.Verdict != d.Verdict().String() || len(got.Rulings) != len(d.Rulings) || len(got.Findings) != len(d.Findings) {
			t.Errorf("%s: %s with %d rulings and %d findings", situation.of.Code, got.Verdict, len(got.Rulings), len(got.Findings))
			continue
		}
		for i, f := range d.Findings {
			if diff := cmp.Diff(facts(f), jsonFacts(got.Findings[i])); diff != "" {
				t.Errorf("%s (-decision +JSON):\n%s", situation.of.Code, diff)
			}
		}
	}
}

// facts is what a finding says, and jsonFacts what its JSON says, in the same order.
func facts(f guard.Finding) []string {
	all := []string{string(f.Code), f.Level.String(), f.Grant, f.Action, f.Resource, f.Summary, f.Detail}
	for _, n := range f.Nearest {
		all = append(all, fmt.Sprint(n.At.Source, n.At.Index+1, n.At.Sid, n.At.Line), n.Why)
	}
	if f.Fix == nil {
		return all
	}
	all = append(all, f.Fix.Text, strings.Join(f.Fix.Grants, " "), fmt.Sprint(f.Fix.Checked), f.Fix.Check, f.Fix.Ask, f.Fix.Message)
	for _, c := range f.Fix.Changes {
		all = append(all, string(c.Kind), c.Layer.String(), c.Where, compact(c.Statement))
	}
	return all
}

func jsonFacts(f findingJSON) []string {
	all := []string{f.Code, f.Level, f.Grant, f.Action, f.Resource, f.Summary, f.Detail}
	for _, n := range f.Nearest {
		all = append(all, fmt.Sprint(n.Policy, n.Statement, n.Sid, n.Line), n.Why)
	}
	if f.Fix == nil {
		return all
	}
	all = append(all, f.Fix.Text, strings.Join(f.Fix.Grants, " "), fmt.Sprint(f.Fix.Checked), f.Fix.Check, f.Fix.Ask, f.Fix.Message)
	for _, c := range f.Fix.Changes {
		all = append(all, c.Kind, c.Layer, c.Where, compact(string(c.Statement)))
	}
	return all
}

// compact is a statement without blanks between its parts, "" for none.
func compact(statement string) string {
	if statement == "" || statement == "null" {
		return ""
	}
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(statement)); err != nil {
		return err.Error()
	}
	return b.String()
}
