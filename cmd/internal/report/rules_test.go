package report

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"ssmguard/guard"
	"ssmguard/guard/finding"
)

// everyRule returns the decision of every rule's case, which package guard keeps.
func everyRule(t *testing.T) (decisions []guard.Decision) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "..", "guard", "finding", "testdata", "decisions.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &decisions); err != nil {
		t.Fatal(err)
	}
	return decisions
}

// TestEveryRuleRendered holds what is said of every rule, as text and as JSON.
func TestEveryRuleRendered(t *testing.T) {
	decisions := everyRule(t)
	missing := make(map[guard.Code]bool)
	for _, rule := range finding.Pages() {
		missing[rule.Code] = true
	}
	var text, object bytes.Buffer
	for _, d := range decisions {
		for _, f := range d.Findings {
			delete(missing, f.Code)
		}
		for _, h := range []Handler{NewText(&text, 0, false), NewJSON(&object)} {
			render(t, h, d, true)
		}
		text.WriteByte('\n')
	}
	for code := range missing {
		t.Errorf("no decision has %s", code)
	}
	golden(t, "rules.text", text.Bytes())
	golden(t, "rules.json", object.Bytes())
}
