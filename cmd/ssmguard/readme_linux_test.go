package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// session is a block of the README that shows a command and what it prints.
var session = regexp.MustCompile(`(?m)^    \$ ((?:.*\\\n)*.*[^\\])\n((?:\n*    .*\n)+)`)

// TestReadmeSessions runs the commands that the README shows and compares what they
// print, but for the places where lines are broken.
func TestReadmeSessions(t *testing.T) {
	blocks := session.FindAllStringSubmatch(readme(t), -1)
	if len(blocks) == 0 {
		t.Fatal("the README shows no command")
	}
	for _, block := range blocks {
		cmd := exec.Command("ssmguard", "sandbox", "--world", "seed2-tag-only", "--", "sh", "-c", block[1])
		cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "SSMGUARD_NO_CACHE=true")
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState.ExitCode() < 0 {
			t.Fatal(err) // a denial has an exit code; this has none
		}
		if diff := cmp.Diff(strings.Fields(block[2]), strings.Fields(string(out))); diff != "" {
			t.Errorf("%s\n%s", block[1], diff)
		}
	}
}

// TestReadmeCommands looks whether there is every command that the README names,
// and whether it names every one that the help lists.
func TestReadmeCommands(t *testing.T) {
	named := func(expression, text string) (words []string) {
		for _, m := range regexp.MustCompile(expression).FindAllStringSubmatch(text, -1) {
			words = append(words, m[1])
		}
		slices.Sort(words)
		return slices.Compact(words)
	}
	help := func(args ...string) string {
		out, err := exec.Command("ssmguard", append([]string{"help"}, args...)...).Output()
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	const listed = `(?m)^  ([a-z-]+) `
	text := readme(t)
	_, groups, _ := strings.Cut(help(), "\nsessions:\n") // before them are lines to begin with
	if diff := cmp.Diff(named(listed, groups), named("[`(]ssmguard ([a-z]+(?:-[a-z]+)?)\\b", text)); diff != "" {
		t.Errorf("commands of the help (-) and of the README (+):\n%s", diff)
	}
	verbs := named(listed, help("tunnel"))
	for _, verb := range named("ssmguard tunnel ([a-z]+)", text) {
		if !slices.Contains(verbs, verb) {
			t.Errorf("the README names tunnel %s; there are %v", verb, verbs)
		}
	}
}
