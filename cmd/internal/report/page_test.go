package report

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"ssmguard/guard"
	"ssmguard/guard/finding"
)

func TestPage(t *testing.T) {
	rule := finding.Rule{
		Code: "SG199", Title: "a document nobody may use", DependsOn: []guard.Code{"SG101", "SG102"},
		Text:    strings.Repeat("A sentence about it. ", 8),
		Example: finding.Example{Before: "{\n  \"Effect\": \"Deny\"\n}", After: "nothing"},
	}
	var out bytes.Buffer
	if err := Page(&out, rule, 40); err != nil {
		t.Fatal(err)
	}
	if err := Index(&out, []finding.Rule{rule, {Code: "SG1", Title: "another"}}); err != nil {
		t.Fatal(err)
	}
	golden(t, "page.text", out.Bytes())
}

// TestPagesFit: every page of the catalogue can be read on a small terminal.
func TestPagesFit(t *testing.T) {
	for _, rule := range finding.Pages() {
		var out bytes.Buffer
		if err := Page(&out, rule, 0); err != nil {
			t.Fatal(err)
		}
		prose, _, _ := strings.Cut(out.String(), "\nbefore\n")
		for line := range strings.Lines(prose) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > pageWidth && strings.Contains(line, " ") {
				t.Errorf("%s: a line of %d columns: %s", rule.Code, n, line)
			}
		}
	}
}
