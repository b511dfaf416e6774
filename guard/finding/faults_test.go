package finding

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"ssmguard/guard"
	"ssmguard/guard/guardtest"
	"ssmguard/guard/repair"
)

// decide explains and repairs a situation, and reads AWS's refusal if there is one.
func decide(t *testing.T, f guardtest.Fault) guard.Decision {
	t.Helper()
	d := repair.Propose(Explain(f.Check(t)))
	if f.Message != "" {
		refusal, ok := ParseRefusal(f.Message)
		if !ok {
			t.Fatalf("not read: %s", f.Message)
		}
		d = Refused(d, refusal)
	}
	return d
}

// TestEveryRule: each rule is found in its case, about the right grant, with the
// right statement. How it is said is for cmd/internal/report, whose goldens have
// the same cases.
func TestEveryRule(t *testing.T) {
	missing := make(map[guard.Code]bool)
	for _, rule := range Pages() {
		missing[rule.Code] = true
	}
	for _, f := range guardtest.Faults(t) {
		d := decide(t, f)
		delete(missing, f.Code)
		found := false
		for _, got := range d.Findings {
			whole(t, f.Code, got)
			if got.Code != f.Code || got.Grant != f.Grant {
				continue
			}
			found = true
			if f.Why != "" && (len(got.Nearest) == 0 || !strings.Contains(got.Nearest[0].Why, f.Why)) {
				t.Errorf("%s: nearest %v, want %q", f.Code, got.Nearest, f.Why)
			}
		}
		if !found {
			t.Errorf("%s: not found on %q; found %s", f.Code, f.Grant, listing(d.Findings))
		}
	}
	for code := range missing {
		if strings.HasPrefix(string(code), "SG0") {
			continue // of policies without a request: guard/lint has their cases
		}
		t.Errorf("%s has no case", code)
	}
}

// whole holds what every finding has: a page, a clause that says it, statements that
// are somewhere, and a repair that says what to do and to whom.
func whole(t *testing.T, in guard.Code, f guard.Finding) {
	t.Helper()
	if _, ok := Page(f.Code); !ok {
		t.Errorf("%s: %s has no page", in, f.Code)
	}
	if f.Summary == "" || strings.HasSuffix(f.Summary, ".") || strings.Contains(f.Summary+f.Detail, "\n") {
		t.Errorf("%s: a summary is a clause of one line: %q, %q", in, f.Summary, f.Detail)
	}
	if (f.Action == "") != (f.Resource == "") {
		t.Errorf("%s: %s is needed on %q", in, f.Action, f.Resource)
	}
	for _, n := range f.Nearest {
		if n.Why == "" || n.At.Source == "" {
			t.Errorf("%s: the statement %+v", in, n)
		}
	}
	fix := f.Fix
	if fix == nil {
		return
	}
	if fix.Text == "" || fix.Checked && fix.Check == "" || (fix.Ask == "") != (fix.Message == "") {
		t.Errorf("%s: the repair %+v", in, fix)
	}
	for _, c := range fix.Changes {
		if (c.Statement == "") != (c.Kind == guard.RemoveStatement) || c.Statement != "" && !json.Valid([]byte(c.Statement)) {
			t.Errorf("%s: the change %+v", in, c)
		}
		if owner := guard.Owner(c.Layer); !strings.Contains(fix.Ask, owner) {
			t.Errorf("%s: %s is asked to change the layer of %s", in, fix.Ask, owner)
		}
	}
}

// listing writes each finding on a line: its code, level and grant, and what is
// done about it.
func listing(fs []guard.Finding) string {
	var b strings.Builder
	for _, f := range fs {
		fmt.Fprintf(&b, "  %s %s %s", f.Code, f.Level, f.Grant)
		for _, n := range f.Nearest {
			fmt.Fprintf(&b, ", near %s", n.At)
		}
		if f.Fix != nil {
			for _, c := range f.Fix.Changes {
				fmt.Fprintf(&b, ", %s", c.Describe())
			}
			if f.Fix.Checked {
				fmt.Fprintf(&b, ", checked: %s", f.Fix.Check)
			}
			if f.Fix.Ask != "" {
				fmt.Fprintf(&b, ", ask %s", f.Fix.Ask)
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}
