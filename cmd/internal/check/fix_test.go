package check

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ssmguard/guard/policy"
)

// TestRewrite: a file that changed since it was read stays as it is, and one that is
// written has all of its new text and its mode.
func TestRewrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "policy.json")
	if err := os.WriteFile(path, []byte("old"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := rewrite(path, "older", "new"); err == nil || !strings.Contains(err.Error(), "has changed meanwhile") {
		t.Errorf("another text: %v", err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "old" {
		t.Errorf("it has %q, %v", text, err)
	}
	if err := rewrite(path, "old", "new"); err != nil {
		t.Error(err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "new" {
		t.Errorf("it has %q, %v", text, err)
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Errorf("beside it are %v, %v", left, err)
	}
}

// TestSameStatements: a statement more, less or in another layer is another set.
func TestSameStatements(t *testing.T) {
	parse := func(kind policy.Kind, text string) []policy.Statement {
		doc, err := policy.Parse(kind, "x", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return doc.Statements
	}
	const one, other = `{"Effect":"Allow","Action":["a:B"],"Resource":"*"}`, `{"Effect":"Deny","Action":"a:B","Resource":"*"}`
	a := policy.Set{Identity: parse(policy.Identity, `{"Statement":[`+one+`,`+other+`]}`)}
	for text, same := range map[string]bool{`[` + other + `,{"Action":"a:B","Effect":"Allow","Resource":["*"]}]`: true, `[` + one + `]`: false, `[` + one + `,` + one + `]`: false} {
		if got := sameStatements(a, policy.Set{Identity: parse(policy.Identity, `{"Statement":`+text+`}`)}); got != same {
			t.Errorf("%s: %v", text, got)
		}
	}
	b := policy.Set{Identity: parse(policy.Identity, `{"Statement":[`+one+`]}`), Boundary: parse(policy.Boundary, `{"Statement":[`+other+`]}`)}
	if sameStatements(a, b) {
		t.Error("in another layer")
	}
}
