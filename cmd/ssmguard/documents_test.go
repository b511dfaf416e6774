package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// document reads a text of the top level.
func document(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// manuals are the texts that users read: the README, and the pages of docs.
func manuals(t *testing.T) []string {
	t.Helper()
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(pages) < 5 {
		t.Fatalf("%v, %v", pages, err)
	}
	for i, page := range pages {
		pages[i] = "docs/" + filepath.Base(page)
	}
	return append([]string{"README.md", "docs/skill/SKILL.md"}, pages...)
}

// section returns what stands below a heading of the second level.
func section(t *testing.T, text, heading string) string {
	t.Helper()
	_, rest, found := strings.Cut(text, "\n## "+heading+"\n")
	if !found {
		t.Fatalf("no section %q", heading)
	}
	rest, _, _ = strings.Cut(rest, "\n## ")
	return rest
}

// quoted returns what stands between backquotes, outside indented blocks.
func quoted(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "    ") {
			continue
		}
		for i, part := range strings.Split(line, "`") {
			if i%2 == 1 {
				out = append(out, part)
			}
		}
	}
	return out
}

// paths are the quoted names of files and folders, without what a shell would be told.
func paths(text string) []string {
	return slices.DeleteFunc(quoted(text), func(name string) bool {
		return !strings.Contains(name, "/") || strings.ContainsAny(name, " :=~$") || strings.HasPrefix(name, "./")
	})
}

// TestArchitecture holds ARCHITECTURE.md to the tree: the places that it names are there,
// it names every room once, and its arrows are those that TestArrows holds.
func TestArchitecture(t *testing.T) {
	text := document(t, "ARCHITECTURE.md")
	for _, name := range paths(text) {
		if found, err := filepath.Glob(filepath.Join("..", "..", name)); err != nil || len(found) == 0 {
			t.Errorf("ARCHITECTURE.md names %s, which is not there", name)
		}
	}
	out, err := exec.Command("go", "list", module+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var rooms []string
	for name := range strings.FieldsSeq(strings.ReplaceAll(string(out), module, "")) {
		rooms = append(rooms, name)
	}
	var named []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(section(t, text, "Rooms"), -1) {
		named = append(named, m[1])
	}
	slices.Sort(rooms)
	slices.Sort(named)
	if diff := cmp.Diff(rooms, named); diff != "" {
		t.Errorf("the packages there are (-), and those that the section Rooms has a row for (+):\n%s", diff)
	}
	written := section(t, text, "Arrows")
	_, table, _ := strings.Cut(written, "\n|")
	if diff := cmp.Diff(arrowTable(), "|"+table); diff != "" {
		if os.Getenv("UPDATE_SCRIPTS") == "" {
			t.Fatalf("the arrows (-), and the section Arrows (+); UPDATE_SCRIPTS=1 writes it:\n%s", diff)
		}
		text = strings.Replace(text, "|"+table, arrowTable(), 1)
		if err := os.WriteFile("../../ARCHITECTURE.md", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// arrowTable writes the arrows for people.
func arrowTable() string {
	var b strings.Builder
	b.WriteString("| room | must never reach | but may | because |\n|---|---|---|---|\n")
	names := func(paths []string) string {
		list := make([]string, len(paths))
		for i, p := range paths {
			list[i] = strings.TrimPrefix(p, module)
			switch {
			case list[i] == "":
				list[i] = "any other room"
			case strings.HasPrefix(p, module) && strings.HasSuffix(p, "/"):
				list[i] += "..."
			}
			list[i] = strings.TrimSuffix(list[i], "/")
		}
		return strings.Join(list, ", ")
	}
	for _, a := range arrows {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", a.from, names(a.never), names(a.except), a.why)
	}
	return b.String()
}

// TestDocuments looks whether the tests and the places are there that the other texts name.
func TestDocuments(t *testing.T) {
	tests := make(map[string]bool)
	err := filepath.WalkDir("../..", func(path string, d os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, m := range regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)\w+)\(`).FindAllSubmatch(source, -1) {
			tests[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(manuals(t), "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "findings/README.md") {
		text := document(t, name)
		for _, word := range quoted(text) {
			if regexp.MustCompile(`^(Test|Fuzz|Benchmark)\w+$`).MatchString(word) && !tests[word] {
				t.Errorf("%s names %s, which is no test", name, word)
			}
		}
		for _, word := range quoted(text) {
			script, _, given := strings.Cut(word, " ")
			if _, err := os.Stat(filepath.Join("..", "..", script)); given && strings.HasPrefix(script, ".ci/") && err != nil {
				t.Errorf("%s names %s, which is not there", name, word)
			}
		}
		for _, path := range paths(text) {
			top, _, _ := strings.Cut(path, "/")
			if !slices.Contains([]string{".ci", ".github", "cmd", "configs", "docs", "guard", "internal", "proxy", "findings"}, top) || strings.Contains(path, "NAME") {
				continue
			}
			if found, err := filepath.Glob(filepath.Join("..", "..", path)); err != nil || len(found) == 0 {
				t.Errorf("%s names %s, which is not there", name, path)
			}
		}
	}
}

// TestPromisesAreHeld: each promise of SECURITY.md names what holds it: a test or a script.
func TestPromisesAreHeld(t *testing.T) {
	rows := 0
	for line := range strings.Lines(section(t, document(t, "SECURITY.md"), "What is promised, and what holds it")) {
		cells := strings.Split(strings.Trim(line, "| \n"), " | ")
		if !strings.HasPrefix(line, "| ") || cells[0] == "promise" {
			continue
		}
		rows++
		held := slices.ContainsFunc(quoted(cells[len(cells)-1]), func(word string) bool {
			return regexp.MustCompile(`^(Test|Fuzz)\w+$|^\.ci/|\.txtar$`).MatchString(word)
		})
		if len(cells) != 2 || !held {
			t.Errorf("nothing holds %q", line)
		}
	}
	if rows < 15 {
		t.Errorf("only %d promises were found", rows)
	}
}
