package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"ssmguard/guard"
	"ssmguard/guard/policy"
	"ssmguard/guard/policy/source"
	"ssmguard/guard/repair"
)

// TestEveryRuleFits: in every width no line is wider but for a word without blanks, a line
// of a patch, a command to paste, and what is left of a policy's line; and the statements to add are JSON.
func TestEveryRuleFits(t *testing.T) {
	for _, s := range everyRule(t) {
		d := repair.Merge(s.decision)
		for _, width := range []int{40, 60, 80, 120} {
			for _, ascii := range []bool{true, false} {
				var out bytes.Buffer
				render(t, NewText(&out, Style{Width: width, ASCII: ascii}), d, true)
				for line := range strings.Lines(out.String()) {
					line = strings.TrimSuffix(line, "\n")
					text := strings.TrimLeft(line, " ")
					command := strings.HasPrefix(text, "aws ") || strings.HasPrefix(text, "ssmguard ")
					patch := strings.HasPrefix(line, indent) && text != "" && strings.Contains("+-@", text[:1]) || strings.HasPrefix(line, indent+"  ")
					if n := utf8.RuneCountInString(line); n > width && strings.LastIndexByte(line, ' ') > 20 && !patch && !command {
						t.Errorf("%s, width %d: %d columns: %s", s.of.Code, width, n, line)
					}
					if ascii && strings.ContainsAny(line, "✓✗") {
						t.Errorf("%s: %s is not ASCII", s.of.Code, line)
					}
				}
				copied(t, d, out.String())
			}
		}
	}
}

// copied: what a repair adds to a policy that is in no file can be copied as it stands.
func copied(t *testing.T, d guard.Decision, text string) {
	t.Helper()
	if d.Fix == nil || len(d.Fix.Changes) != 1 || d.Fix.Changes[0].Kind != guard.AddStatement {
		return
	}
	_, text, _ = strings.Cut(text, "\n  fix ")
	text, _, _ = strings.Cut(text, "\n  or ")
	var added strings.Builder
	for line := range strings.Lines(text) {
		if plus, ok := strings.CutPrefix(line, indent+"+ "); ok {
			added.WriteString(plus)
		}
	}
	var got, want any
	if err := json.Unmarshal([]byte(added.String()), &got); err != nil {
		t.Errorf("%v: %s", err, added.String())
	}
	if err := json.Unmarshal([]byte(d.Fix.Changes[0].Statement), &want); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestExcerpts: several marks of one policy in one excerpt, tabs, characters beyond ASCII,
// a line that is too long, and lines that are left out.
func TestExcerpts(t *testing.T) {
	const laidOut = "{\n\t\"Statement\": [\n\t\t{\n\t\t\t\"Effect\": \"Allow\",\n\t\t\t\"Action\": \"ssm:StartSesion\",\n\t\t\t\"Resource\": \"*\",\n" +
		"\t\t\t\"Condition\": {\"StringEquals\": {\"aws:PrincipalTag/Tëam\": \"wëb\", \"aws:x\": \"y\"}}\n\t\t},\n\t\t{\n\t\t\t\"Effect\": \"Deny\",\n\t\t\t\"Action\": \"*\",\n\t\t\t\"Resource\": \"*\"\n\t\t}\n\t]\n}\n"
	condition := func(key, value string) source.Part {
		return source.Part{Element: "Condition", Operator: "StringEquals", Key: key, Value: value}
	}
	near := func(statement int, part source.Part, note string) guard.Near {
		return guard.Near{At: policy.Pos{Source: "dev.json", Index: statement}, Part: part, Note: note}
	}
	finding := guard.Finding{Level: guard.Error, Code: "SG200", Nearest: []guard.Near{
		near(0, condition("aws:PrincipalTag/Tëam", "wëb"), "the caller has Tëam = db"),
		near(1, source.Part{Element: "Effect", Value: "Deny"}, "denies it"),
		near(0, condition("aws:x", ""), "no such key"),
		near(0, source.Part{Element: "Action", Value: "ssm:StartSesion"}, "it is called ssm:StartSession"),
		near(0, source.Part{Element: "Action", Value: "ssm:StartSesion"}, "it is called ssm:StartSession"),
	}}
	var out bytes.Buffer
	for _, test := range []struct {
		name, text string
		width      int
	}{
		{"wide", laidOut, 100}, {"narrow", laidOut, 40},
		{"one line", strings.NewReplacer("\n", "", "\t", "").Replace(laidOut), 60},
	} {
		fmt.Fprintf(&out, "# %s\n", test.name)
		d := guard.Decision{Texts: map[string]guard.PolicyText{"dev.json": {File: "dev.json", Text: test.text, Lined: true, Whole: true}}}
		text := NewText(&out, Style{Width: test.width})
		var b strings.Builder
		for _, e := range NewAbout(d, []guard.Finding{finding}, test.width).Excerpts {
			text.excerpt(&b, e)
		}
		out.WriteString(b.String())
	}
	golden(t, "excerpts", out.Bytes())
}
