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

// shown is a block of a manual: a file to be written (name), or commands and what they
// print.
type shown struct {
	name  string
	lines []string
}

// blocks are the indented blocks of a text. One below a comment "file: NAME" shows that file.
func blocks(text string) (found []shown) {
	var name string
	inside := false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		rest, indented := strings.CutPrefix(line, "    ")
		switch {
		case indented && !inside:
			found = append(found, shown{name: name})
			name, inside = "", true
			fallthrough
		case indented:
			last := &found[len(found)-1]
			last.lines = append(last.lines, rest)
		case line == "" && inside:
			last := &found[len(found)-1]
			last.lines = append(last.lines, "")
		default:
			inside = false
			if m := regexp.MustCompile(`^<!-- file: (\S+) -->$`).FindStringSubmatch(line); m != nil {
				name = m[1]
			}
		}
	}
	return found
}

// typed is a command of a block, and the words that it prints.
type typed struct{ command, prints string }

// session returns the commands of a block whose lines begin with "$ ", or nil.
func (b shown) session() (list []typed) {
	if !strings.HasPrefix(b.lines[0], "$ ") {
		return nil
	}
	goesOn := false
	for _, line := range b.lines {
		command, begins := strings.CutPrefix(line, "$ ")
		switch {
		case begins:
			list = append(list, typed{command: command})
			goesOn = strings.HasSuffix(line, `\`)
		case goesOn:
			list[len(list)-1].command += "\n" + line
			goesOn = strings.HasSuffix(line, `\`)
		default:
			list[len(list)-1].prints += line + "\n"
		}
	}
	return list
}

// alike reports whether a text has the words of a pattern, in which "..." stands for any
// words, and a "..." in a word for any letters. Where lines are broken does not matter.
func alike(pattern, text string) bool {
	var expression strings.Builder
	for word := range strings.FieldsSeq(pattern) {
		if word == "..." {
			expression.WriteString(`(\S+ )*?`)
			continue
		}
		expression.WriteString(strings.ReplaceAll(regexp.QuoteMeta(word), `\.\.\.`, `\S*`) + " ")
	}
	words := strings.Join(strings.Fields(text), " ")
	if words != "" {
		words += " "
	}
	return regexp.MustCompile(`^` + expression.String() + `$`).MatchString(words)
}

// TestManuals runs the commands that the README and each page of docs show, page by page in
// one sandbox, in a folder with the files that the page shows, and compares what they print.
// A comment "world: NAME" says which world.
func TestManuals(t *testing.T) {
	total := 0
	for _, name := range manuals(t) {
		text := document(t, name)
		var commands []typed
		dir := t.TempDir()
		script := "exec 2>&1\n"
		for _, block := range blocks(text) {
			if block.name != "" {
				script += fmt.Sprintf("cat > %s <<'END OF FILE'\n%s\nEND OF FILE\n", block.name, strings.TrimRight(strings.Join(block.lines, "\n"), "\n"))
				continue
			}
			for _, c := range block.session() {
				script += fmt.Sprintf("echo '%s'\n%s\n", between, c.command)
				commands = append(commands, c)
			}
		}
		total += len(commands)
		if len(commands) == 0 {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world := "seed2-tag-only"
			if m := regexp.MustCompile(`(?m)^<!-- world: (\S+) -->$`).FindStringSubmatch(text); m != nil {
				world = m[1]
			}
			cmd := exec.Command("ssmguard", "sandbox", "--world", world, "--", "bash", "-c", script)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "HOME="+dir, "SSMGUARD_NO_CACHE=true")
			out, err := cmd.CombinedOutput()
			if cmd.ProcessState.ExitCode() < 0 {
				t.Fatal(err) // a denial has an exit code; this has none
			}
			printed := strings.Split(string(out), between+"\n")[1:]
			for i, c := range commands {
				switch {
				case i >= len(printed):
					t.Errorf("$ %s\nwas not run", c.command)
				case !alike(c.prints, printed[i]):
					t.Errorf("$ %s\nprints\n%s\nand the page shows\n%s", c.command, printed[i], c.prints)
				}
			}
		})
	}
	if total < 2 {
		t.Errorf("only %d commands are shown", total)
	}
}

// between is a line between what two commands print.
const between = "-- the next command --"

func TestAlike(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true},
		{"", "word\n", false},
		{"one two\nthree", "one\n  two three\n", true},
		{"one", "one two", false},
		{"one ... three", "one two and three", true},
		{"one ... three", "one three", true},
		{"port 1... is open", "port 15432 is open", true},
		{"port 1... is open", "port 25432 is open", false},
		{"a.c", "abc", false},
	} {
		if got := alike(c.pattern, c.text); got != c.want {
			t.Errorf("%q, %q: %v", c.pattern, c.text, got)
		}
	}
}

// TestManualsNameCommands looks whether the README names every command that the help
// lists, and is as short as it has to be.
func TestManualsNameCommands(t *testing.T) {
	named := func(expression, text string) (words []string) {
		for _, m := range regexp.MustCompile(expression).FindAllStringSubmatch(text, -1) {
			words = append(words, m[1])
		}
		slices.Sort(words)
		return slices.Compact(words)
	}
	help, err := exec.Command("ssmguard", "help").Output()
	if err != nil {
		t.Fatal(err)
	}
	const listed = `(?m)^  ([a-z-]+) `
	_, groups, _ := strings.Cut(string(help), "\nsessions:\n") // before them are lines to begin with
	if diff := cmp.Diff(named(listed, groups), named("`ssmguard ([a-z]+(?:-[a-z]+)?)\\b", document(t, "README.md"))); diff != "" {
		t.Errorf("commands of the help (-) and of the README (+):\n%s", diff)
	}
	if lines := strings.Count(document(t, "README.md"), "\n"); lines >= 200 {
		t.Errorf("the README has %d lines; what does not fit goes to docs", lines)
	}
}

// TestLinks: each link of our texts to a file or a heading of theirs leads somewhere.
func TestLinks(t *testing.T) {
	headings := func(text string) (anchors []string) {
		for line := range strings.Lines(text) {
			if strings.HasPrefix(line, "#") {
				title := strings.ToLower(strings.TrimSpace(strings.TrimLeft(line, "#")))
				title = regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(title, "")
				anchors = append(anchors, strings.ReplaceAll(title, " ", "-"))
			}
		}
		return anchors
	}
	link := regexp.MustCompile(`\]\(([^)\s]+)\)|(?:src|srcset|href)="([^"]+)"`)
	found := 0
	for _, name := range append(manuals(t), "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "findings/README.md") {
		for _, m := range link.FindAllStringSubmatch(document(t, name), -1) {
			file, anchor, _ := strings.Cut(m[1]+m[2], "#")
			if strings.Contains(file, "://") {
				continue // there is no network in a test
			}
			found++
			whole := filepath.Join(filepath.Dir(name), file)
			if file == "" {
				whole = name
			}
			if _, err := os.Stat(filepath.Join("..", "..", whole)); err != nil {
				t.Errorf("%s leads to %s, which is not there", name, file)
			} else if anchor != "" && !slices.Contains(headings(document(t, whole)), anchor) {
				t.Errorf("%s leads to %s#%s; its headings are %v", name, file, anchor, headings(document(t, whole)))
			}
		}
	}
	if found < 15 {
		t.Errorf("only %d links were found", found)
	}
}
