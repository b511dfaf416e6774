package cli

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ssmguard/cmd/internal/ask"
	"ssmguard/cmd/internal/command"
	"ssmguard/cmd/internal/env"
)

var update = flag.Bool("update", false, "write the tables of README and docs, and NOTICES, anew")

// declared are all commands and those below them, joined.
func declared(t *testing.T) (top, all []*command.Command) {
	t.Helper()
	p := env.NewProcess(strings.NewReader(""), io.Discard, io.Discard)
	top = commands()
	newApp(p, top, "help")
	all = slices.Clone(top)
	for _, c := range top {
		all = append(all, c.Verbs...)
	}
	return top, slices.DeleteFunc(all, func(c *command.Command) bool { return c.Hidden })
}

// A command has all that its help is made of, and so have its options.
func TestDeclarationsAreWhole(t *testing.T) {
	top, all := declared(t)
	for _, c := range all {
		if c.Usage == "" || c.Description == "" || slices.Contains(top, c) && !slices.Contains(command.Groups, c.Category) {
			t.Errorf("%s: %q, %q in group %q", c.Path(), c.Usage, c.Description, c.Category)
		}
		for _, f := range c.Flags() {
			if !strings.HasPrefix(f.Name, "--") || f.Text == "" || f.TakesValue() && f.Default != "" && f.Choices != nil && !slices.Contains(f.Choices, f.Default) {
				t.Errorf("%s: %+v", c.Path(), f)
			}
		}
		for i, f := range c.Flags() {
			if slices.Contains(command.Names(c.Flags()[:i]), f.Name) {
				t.Errorf("%s: %s twice", c.Path(), f.Name)
			}
		}
	}
}

// An example is of the command that it stands with, and has only options that there are.
func TestExamplesCanBeTyped(t *testing.T) {
	top, all := declared(t)
	typedCommand := regexp.MustCompile(`ssmguard ([^|)&;"]*)`)
	for _, c := range all {
		for _, e := range c.Examples {
			m := typedCommand.FindStringSubmatch(e.Line)
			if m == nil || e.Text == "" {
				t.Errorf("%s: %q, %q", c.Path(), e.Line, e.Text)
				continue
			}
			words := strings.Fields(m[1])
			found, rest := (&command.Command{Verbs: top}).Below(words)
			if found != c && !slices.Contains(c.Verbs, found) {
				t.Errorf("%s: %q is an example of %s", c.Path(), e.Line, found.Path())
			}
			if at := slices.Index(rest, "--"); at >= 0 {
				rest = rest[:at]
			}
			for _, word := range rest {
				if word != "-" && strings.HasPrefix(word, "-") && !slices.Contains(command.Names(found.Flags()), word) {
					t.Errorf("%s: %q has an option %s", c.Path(), e.Line, word)
				}
			}
		}
	}
}

// Each page has an example and fits a screen or three: under 70 lines in 80 columns, and no
// line wider than the terminal but for single words and what is printed as it stands.
func TestPagesFit(t *testing.T) {
	top, all := declared(t)
	for _, columns := range []int{40, 60, 80, 120} {
		pages := map[string]func(*strings.Builder) error{
			"the list": func(b *strings.Builder) error { return command.List(b, top, columns) },
			"options":  func(b *strings.Builder) error { return command.Options(b, command.SharedGroups(top), columns) },
		}
		for _, c := range all {
			pages[c.Path()] = func(b *strings.Builder) error { return command.Page(b, c, columns) }
			if len(c.Examples) == 0 && columns == 80 {
				t.Errorf("%s has no example", c.Path())
			}
		}
		for name, page := range pages {
			var b strings.Builder
			if err := page(&b); err != nil {
				t.Fatal(err)
			}
			if lines := strings.Count(b.String(), "\n"); columns == 80 && name != "options" && lines >= 70 {
				t.Errorf("%s has %d lines", name, lines)
			}
			for line := range strings.Lines(b.String()) {
				line = strings.TrimSuffix(line, "\n")
				// command lines, and a part of one
				whole := strings.Contains(line, "ssmguard ") || strings.Contains(line, `"aws `) || strings.HasPrefix(line, "    -")
				if width := len([]rune(line)); width > columns && !whole && strings.Contains(strings.TrimSpace(line), " ") {
					t.Errorf("%s in %d columns: %q has %d", name, columns, line, width)
				}
			}
		}
	}
}

// The man page has no duplicates: shared options are listed once.
func TestManPageSaysEverythingOnce(t *testing.T) {
	top, _ := declared(t)
	var b strings.Builder
	if err := manPage(&b, top); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(b.String()) {
		named := strings.HasPrefix(line, ".B ") || strings.HasPrefix(line, "Also: ")
		if seen[line] && len(line) > 30 && !named {
			t.Errorf("twice: %s", line)
		}
		seen[line] = true
	}
	for _, name := range []string{"EXAMPLES", "ENVIRONMENT", "FILES", "EXIT STATUS"} {
		if _, section, ok := strings.Cut(b.String(), ".SH "+name+"\n"); !ok || len(section) < 100 {
			t.Errorf("%s: %q", name, section)
		}
	}
}

// TestTables compares the tables of the README and the pages of docs with the declarations
// that they are written from; -update writes them.
func TestTables(t *testing.T) {
	top, _ := declared(t)
	named := func(name string) *command.Command {
		c, _ := (&command.Command{Verbs: top}).Below([]string{name})
		return c
	}
	for _, at := range []struct{ file, name, table string }{
		{"README.md", "commands", commandTable(top)},
		{"docs/drop-in.md", "options", optionTable(ask.OwnFlags())},
		{"docs/drop-in.md", "alias", exampleTable(named("alias"))},
		{"docs/tunnels.md", "tunnels", exampleTable(named("tunnel").Verbs...)},
	} {
		file := filepath.Join("..", "..", "..", at.file)
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		start, end := fmt.Sprintf("<!-- %s: go test ./cmd/internal/cli -update -->\n", at.name), "<!-- end -->\n"
		before, rest, ok := strings.Cut(string(text), start)
		old, after, closed := strings.Cut(rest, end)
		if !ok || !closed {
			t.Errorf("%s has no table of %s", at.file, at.name)
			continue
		}
		if diff := cmp.Diff(at.table, old); diff != "" && !*update {
			t.Errorf("the table of %s as declared (-) and in %s (+); -update writes it:\n%s", at.name, at.file, diff)
		}
		if *update {
			if err := os.WriteFile(file, []byte(before+start+at.table+end+after), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestManualsCanBeTyped: the command lines of ours that the README and the pages of docs name,
// in backquotes or in indented blocks, are of commands and options that there are.
func TestManualsCanBeTyped(t *testing.T) {
	top, _ := declared(t)
	files, err := filepath.Glob("../../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, file := range append(files, "../../../README.md", "../../../docs/skill/SKILL.md") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range commandLines(string(text)) {
			found++
			if err := canBeTyped(top, line); err != nil {
				t.Errorf("%s: %q: %v", filepath.Base(file), line, err)
			}
		}
	}
	if found < 50 {
		t.Errorf("only %d command lines were found", found)
	}
}

// commandLines are the command lines of ssmguard in a text of Markdown.
func commandLines(text string) (lines []string) {
	ours := regexp.MustCompile(`(?:^|[ (|])ssmguard ([^|)&;"#]*)`)
	text = strings.ReplaceAll(text, `\|`, "\x00") // no pipe, but a choice in a table
	text = strings.ReplaceAll(text, "\\\n", " ")
	for line := range strings.Lines(text) {
		parts := strings.Split(line, "`")
		if rest, block := strings.CutPrefix(line, "    "); block {
			rest, typed := strings.CutPrefix(rest, "$ ")
			if !typed && !strings.HasPrefix(rest, "ssmguard ") || strings.HasPrefix(rest, "ssmguard: ") {
				continue
			}
			parts = []string{"", rest}
		}
		for i := 1; i < len(parts); i += 2 {
			for _, m := range ours.FindAllStringSubmatch(parts[i], -1) {
				lines = append(lines, m[1])
			}
		}
	}
	return lines
}

// canBeTyped says what is wrong with the words of a command line, after "ssmguard".
func canBeTyped(top []*command.Command, line string) error {
	words := strings.Fields(line)
	found, rest := (&command.Command{Verbs: top}).Below(words)
	if found.Name == "" && words[0] != strings.ToUpper(words[0]) && words[0] != "ssm" && words[0] != "..." {
		return fmt.Errorf("no such command")
	}
	if found.Name != "" && found.Verbs != nil && len(rest) > 0 && regexp.MustCompile(`^[a-z]+$`).MatchString(rest[0]) {
		return fmt.Errorf("%s has no command %s", found.Path(), rest[0])
	}
	for _, word := range rest {
		name, _, _ := strings.Cut(strings.Trim(word, "[]"), "=")
		if name == "--" {
			break
		}
		if strings.HasPrefix(name, "--") && !slices.Contains(command.Names(found.Flags()), name) {
			return fmt.Errorf("no option %s", name)
		}
	}
	return nil
}

// table is a table of Markdown.
func table(rows ...[]string) string {
	var b strings.Builder
	for i, row := range rows {
		for j, cell := range row {
			row[j] = strings.ReplaceAll(cell, "|", `\|`)
		}
		fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
		if i == 0 {
			b.WriteString(strings.Repeat("|---", len(row)) + "|\n")
		}
	}
	return b.String()
}

func commandTable(commands []*command.Command) string {
	rows := [][]string{{"command", "what it does"}}
	for _, group := range command.Groups {
		for _, c := range commands {
			if c.Category == group && !c.Hidden {
				rows = append(rows, []string{"`" + strings.TrimSuffix(strings.TrimSpace("ssmguard "+c.Name+" "+c.ArgsUsage), " [options]") + "`", c.Usage})
			}
		}
	}
	return table(rows...)
}

func optionTable(flags []command.Flag) string {
	code := func(s string) string {
		if s == "" {
			return ""
		}
		return "`" + s + "`"
	}
	rows := [][]string{{"option", "meaning", "default", "variable"}}
	for _, f := range flags {
		rows = append(rows, []string{code(f.Typed()), plain(f.Text), code(f.Default), code(f.Env)})
	}
	return table(rows...)
}

func exampleTable(commands ...*command.Command) string {
	rows := [][]string{{"command", "what it does"}}
	for _, c := range commands {
		for _, e := range c.Examples {
			rows = append(rows, []string{"`" + e.Line + "`", e.Text})
		}
	}
	return table(rows...)
}
