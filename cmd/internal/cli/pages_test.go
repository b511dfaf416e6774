package cli

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	diff "github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"ssmguard/cmd/internal/command"
)

// written is the first line of a page that is written by a test.
const written = "<!-- written by go test ./cmd/internal/cli -update -->\n"

// TestPages compares the pages of docs that are written from the program with it; -update
// writes them.
func TestPages(t *testing.T) {
	top, _ := declared(t)
	for name, page := range map[string]string{
		"commands.md": commandsPage(top),
		"files.md":    filesPage(t),
	} {
		file := filepath.Join("../../../docs", name)
		if *update {
			if err := os.WriteFile(file, []byte(page), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		old, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if d := diff.Diff(page, string(old)); d != "" {
			t.Errorf("docs/%s as it is written from the program (-), and as it is (+); -update writes it:\n%s", name, d)
		}
	}
}

// commandsPage is what the help says of all commands.
func commandsPage(top []*command.Command) string {
	var b strings.Builder
	b.WriteString(written + "# Commands and their options\n\nWhat `ssmguard help COMMAND` says, on one page.\n\n")
	for _, group := range command.Groups {
		for _, c := range top {
			if c.Category == group && !c.Hidden {
				commandSection(&b, c)
			}
		}
	}
	for _, g := range command.SharedGroups(top) {
		fmt.Fprintf(&b, "## %s\n\n%s\n", groupHeading(g), optionTable(g.Flags))
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

func commandSection(b *strings.Builder, c *command.Command) {
	fmt.Fprintf(b, "## ssmguard %s\n\n", c.Path())
	fmt.Fprintf(b, "    ssmguard %s\n\n", strings.TrimSpace(c.Path()+" "+strings.ReplaceAll(cmp.Or(c.UsageText, c.ArgsUsage), "\n", " ")))
	fmt.Fprintf(b, "%s\n\n", markdown(c.Description))
	if c.Examples != nil {
		fmt.Fprintf(b, "%s\n", exampleTable(c))
	}
	var shared []string
	for _, g := range c.FlagGroups() {
		if g.Heading == "" {
			fmt.Fprintf(b, "%s\n", optionTable(g.Flags))
			continue
		}
		shared = append(shared, fmt.Sprintf("[%s](#%s)", g.Heading, anchor(groupHeading(g))))
	}
	if shared != nil {
		fmt.Fprintf(b, "Other options: %s.\n\n", strings.Join(shared, "; "))
	}
	for _, v := range c.Verbs {
		if !v.Hidden {
			commandSection(b, v)
		}
	}
}

// groupHeading is the heading of options that several commands have.
func groupHeading(g command.FlagGroup) string {
	if rest, found := strings.CutPrefix(g.Heading, "options "); found {
		return "Options " + rest
	}
	return "Options: " + g.Heading
}

// anchor is the name by which a heading is linked to.
func anchor(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			return r
		}
		return -1
	}, strings.ToLower(heading))
}

// markdown is a description of a command as Markdown: its lines that begin with a space are
// a block, and nothing else of it has a meaning.
func markdown(text string) string {
	var b strings.Builder
	inside := false
	for line := range strings.Lines(strings.TrimSpace(text) + "\n") {
		line = strings.TrimRight(line, "\n")
		block := strings.HasPrefix(line, " ")
		if block != inside && line != "" {
			b.WriteString("\n")
			inside = block
		}
		if block {
			line = "    " + strings.TrimPrefix(line, "  ")
		} else {
			line = plain(line)
		}
		b.WriteString(line + "\n")
	}
	return strings.ReplaceAll(strings.TrimSpace(b.String()), "\n\n\n", "\n\n")
}

// plain keeps a text from meaning something in Markdown.
func plain(text string) string {
	return strings.NewReplacer("*", `\*`, "<", "&lt;", "_", `\_`, "[", `\[`, "~", `\~`).Replace(text)
}

// filesPage describes the files that a user writes and the JSON that is printed, from their
// schemas.
func filesPage(t *testing.T) string {
	var b strings.Builder
	b.WriteString(written + "# Files and JSON\n\nThe keys of the files that you write, and the fields of what `--output json` prints. Their schemas are for editors and\nprograms; a field that is new does not change `protocol`.\n\n")
	for _, s := range []struct{ heading, file string }{
		{"The configuration", "configs/schema/config.schema.json"},
		{"A matrix of requests", "configs/schema/matrix.schema.json"},
		{"Claims", "configs/schema/claims.schema.json"},
		{"What check prints", "cmd/internal/report/schema/decision.schema.json"},
		{"What prove prints", "cmd/internal/report/schema/proof.schema.json"},
		{"What lint prints", "cmd/internal/report/schema/lint.schema.json"},
		{"What explain prints", "cmd/internal/report/schema/explanation.schema.json"},
		{"What tunnel up prints", "cmd/internal/report/schema/event.schema.json"},
	} {
		text, err := os.ReadFile(filepath.Join("../../..", s.file))
		if err != nil {
			t.Fatal(err)
		}
		var document yaml.Node // keeps the order of JSON's members
		if err := yaml.Unmarshal(text, &document); err != nil {
			t.Fatal(err)
		}
		root := schema{document.Content[0]}
		fmt.Fprintf(&b, "## %s\n\n", s.heading)
		about := cmp.Or(root.text("description"), root.text("title"))
		fmt.Fprintf(&b, "Schema: [%s](../%s). %s\n\n", filepath.Base(s.file), s.file, sentence(about))
		objectTables(&b, "", root)
		for _, name := range root.at("$defs").members() {
			objectTables(&b, name, root.at("$defs").at(name))
		}
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// objectTables writes a table of the properties of an object, if it is one, and of those that
// are properties of it.
func objectTables(b *strings.Builder, name string, s schema) {
	keys := s.at("properties")
	if keys.node == nil {
		return
	}
	if name != "" {
		fmt.Fprintf(b, "`%s`:\n\n", name)
	}
	required := s.at("required").values()
	rows := [][]string{{"key", "value", "meaning"}}
	for _, key := range keys.members() {
		about := keys.at(key).text("description")
		if d := keys.at(key).at("default"); d.node != nil {
			about += "; default: " + d.node.Value
		}
		if slices.Contains(required, key) && name != "" {
			about = strings.TrimPrefix(about+"; always there", "; ")
		}
		rows = append(rows, []string{"`" + key + "`", keys.at(key).kind(), plain(strings.TrimPrefix(about, "; "))})
	}
	fmt.Fprintf(b, "%s\n", table(rows...))
	for _, key := range keys.members() {
		below := strings.TrimPrefix(name+"."+key, ".")
		objectTables(b, below, keys.at(key))
		objectTables(b, below, keys.at(key).at("items"))
	}
}

// schema is a part of a JSON schema.
type schema struct{ node *yaml.Node }

func (s schema) at(key string) schema {
	if s.node != nil && s.node.Kind == yaml.MappingNode {
		for i := 0; i < len(s.node.Content); i += 2 {
			if s.node.Content[i].Value == key {
				return schema{s.node.Content[i+1]}
			}
		}
	}
	return schema{}
}

func (s schema) members() (names []string) {
	if s.node != nil && s.node.Kind == yaml.MappingNode {
		for i := 0; i < len(s.node.Content); i += 2 {
			names = append(names, s.node.Content[i].Value)
		}
	}
	return names
}

func (s schema) values() (list []string) {
	if s.node != nil && s.node.Kind == yaml.SequenceNode {
		for _, n := range s.node.Content {
			list = append(list, n.Value)
		}
	}
	return list
}

func (s schema) text(key string) string {
	if n := s.at(key).node; n != nil {
		return n.Value
	}
	return ""
}

// kind says in a word or two which values there are.
func (s schema) kind() string {
	name, referred := strings.CutPrefix(s.text("$ref"), "#/$defs/")
	switch {
	case referred:
		return "`" + name + "`"
	case s.at("enum").node != nil:
		words := s.at("enum").values()
		for i, word := range words {
			words[i] = "`" + cmp.Or(word, `""`) + "`"
		}
		return strings.Join(words, ", ")
	case s.at("const").node != nil:
		return "`" + s.text("const") + "`"
	case s.at("anyOf").node != nil || s.at("oneOf").node != nil:
		var either []string
		for _, n := range append(s.at("anyOf").list(), s.at("oneOf").list()...) {
			either = append(either, n.kind())
		}
		return strings.Join(either, " or ")
	case s.text("type") == "array":
		return "list of " + s.at("items").kind()
	case s.at("additionalProperties").at("$ref").node != nil:
		return "`" + strings.TrimPrefix(s.at("additionalProperties").text("$ref"), "#/$defs/") + "` by name"
	case s.at("type").values() != nil:
		return strings.Join(s.at("type").values(), " or ")
	}
	return cmp.Or(s.text("type"), "any")
}

func (s schema) list() (all []schema) {
	if s.node != nil {
		for _, n := range s.node.Content {
			all = append(all, schema{n})
		}
	}
	return all
}

// sentence is a text with a capital and a full stop.
func sentence(text string) string {
	text = strings.TrimSuffix(text, ".")
	return strings.ToUpper(text[:1]) + text[1:] + "."
}
