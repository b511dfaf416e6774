package finding

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ssmguard/guard"
	"ssmguard/guard/policy"
)

// TestPages: every rule has a whole page, in the style of the house, and only
// codes that exist are named.
func TestPages(t *testing.T) {
	seen := make(map[guard.Code]bool)
	for _, r := range Pages() {
		if seen[r.Code] {
			t.Errorf("%s is there twice", r.Code)
		}
		seen[r.Code] = true
		if r.Title == "" || len(r.Text) < 60 || r.Example.Before == "" || r.Example.After == "" {
			t.Errorf("%s: the page is not whole", r.Code)
		}
		if strings.HasSuffix(r.Title, ".") || !strings.HasSuffix(r.Text, ".") {
			t.Errorf("%s: a title is a clause, a text is sentences", r.Code)
		}
		for _, on := range r.DependsOn {
			if _, ok := Page(on); !ok || on == r.Code {
				t.Errorf("%s depends on %s", r.Code, on)
			}
		}
	}
}

// TestParsePage: what the pages in pages/*.txt mean.
func TestParsePage(t *testing.T) {
	got := parsePage("SG199 a title\nnot beside SG101 SG102\nA text over\ntwo lines.\nbefore\n    {\n      deeper\nafter\n    }\n")
	want := Rule{Code: "SG199", Title: "a title", Text: "A text over two lines.", Example: Example{"{\n  deeper", "}"}, DependsOn: []guard.Code{"SG101", "SG102"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestPageIgnoresCase(t *testing.T) {
	if r, ok := Page("sg101"); !ok || r.Code != "SG101" {
		t.Errorf("%v %v", r.Code, ok)
	}
	if _, ok := Page("SG999"); ok {
		t.Error("SG999 exists")
	}
}

// TestPageExamples: what looks like statements in an example is IAM policy.
func TestPageExamples(t *testing.T) {
	read := 0
	for _, r := range Pages() {
		for _, text := range []string{r.Example.Before, r.Example.After} {
			if !strings.HasPrefix(text, `{"Effect"`) {
				continue
			}
			text, _, _ = strings.Cut(text, "   the ")
			text, _, _ = strings.Cut(text, "\nand ")
			if strings.Contains(text, "{ ... }") {
				continue
			}
			if !json.Valid([]byte("[" + text + "]")) {
				t.Errorf("%s: no JSON: %s", r.Code, text)
				continue
			}
			kind := policy.Identity
			if strings.Contains(text, `"Principal"`) {
				kind = policy.Endpoint
			}
			if _, err := policy.Parse(kind, string(r.Code), fmt.Appendf(nil, `{"Version":"2012-10-17","Statement":[%s]}`, text)); err != nil {
				t.Errorf("%v", err)
			}
			read++
		}
	}
	if read < 40 {
		t.Errorf("only %d examples were read", read)
	}
}

var codeLiteral = regexp.MustCompile(`"(SG\d{3})"`)

// TestCodesHavePages: the code speaks of no rule that has no page.
func TestCodesHavePages(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	shared, err := filepath.Glob("../*.go")
	if err != nil {
		t.Fatal(err)
	}
	files = append(files, shared...)
	linted, err := filepath.Glob("../lint/*.go")
	if err != nil {
		t.Fatal(err)
	}
	files = append(files, linted...)
	named := make(map[string]bool)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range codeLiteral.FindAllStringSubmatch(string(text), -1) {
			named[m[1]] = true
			if _, ok := Page(guard.Code(m[1])); !ok {
				t.Errorf("%s names %s, which has no page", file, m[1])
			}
		}
	}
	for _, r := range Pages() {
		if !named[string(r.Code)] {
			t.Errorf("%s has a page, and nothing names it", r.Code)
		}
	}
}
