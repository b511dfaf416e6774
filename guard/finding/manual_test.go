package finding

import (
	"cmp"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	diff "github.com/google/go-cmp/cmp"
)

// TestManual compares docs/findings.md and the table of messages in docs/troubleshooting.md
// with the pages and messages that they are written from; -update writes them.
func TestManual(t *testing.T) {
	const findings, troubleshooting = "../../docs/findings.md", "../../docs/troubleshooting.md"
	text, err := os.ReadFile(troubleshooting)
	if err != nil {
		t.Fatal(err)
	}
	const start, end = "<!-- messages: go test ./guard/finding -update -->\n", "<!-- end -->\n"
	before, rest, opened := strings.Cut(string(text), start)
	_, after, closed := strings.Cut(rest, end)
	if !opened || !closed {
		t.Fatalf("%s has no table of messages", troubleshooting)
	}
	for file, want := range map[string]string{
		findings:        findingsPage(),
		troubleshooting: before + start + messageTable() + end + after,
	} {
		if *update {
			if err := os.WriteFile(file, []byte(want), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if d := diff.Diff(want, string(got)); d != "" {
			t.Errorf("%s as it is written from the program (-), and as it is (+); -update writes it:\n%s", file, d)
		}
	}
}

// findingsPage is what `ssmguard explain` says of each code, on one page.
func findingsPage() string {
	var b strings.Builder
	b.WriteString("<!-- written by go test ./guard/finding -update -->\n# Findings\n\nWhat `ssmguard explain CODE` prints, for every code.\n\n")
	for _, r := range Pages() {
		title := r.Title
		if first, _, _ := strings.Cut(title, " "); !strings.Contains(first, ":") { // no name of an action
			title = strings.ToUpper(title[:1]) + title[1:]
		}
		fmt.Fprintf(&b, "## %s\n\n**%s**\n\n%s\n\n", r.Code, plain(title), plain(r.Text))
		for _, example := range []struct{ name, text string }{{"Before", r.Example.Before}, {"After", r.Example.After}} {
			if example.text != "" {
				fmt.Fprintf(&b, "%s:\n\n```\n%s\n```\n\n", example.name, example.text)
			}
		}
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// messageTable has the messages that are no refusals, with what they mean.
func messageTable() string {
	var b strings.Builder
	b.WriteString("| message has | it means | do | page |\n|---|---|---|---|\n")
	for i := 0; i < len(messages); {
		m := messages[i]
		var words []string
		for ; i < len(messages) && messages[i].code == m.code && messages[i].means == m.means && messages[i].do == m.do; i++ {
			words = append(words, "`"+strings.Join(messages[i].words, "` and `")+"`")
		}
		page, _ := Page(m.code)
		fmt.Fprintf(&b, "| %s | %s | %s | [%s](findings.md#%s) |\n", strings.Join(words, ", or "),
			plain(cmp.Or(m.means, page.Title)), plain(cmp.Or(m.do, "read the page")), m.code, strings.ToLower(string(m.code)))
	}
	return b.String()
}

// plain keeps a text from meaning something in Markdown, but for the commands in it.
func plain(text string) string {
	text = strings.NewReplacer("*", `\*`, "<", "&lt;", "_", `\_`, "[", `\[`, "|", `\|`, "~", `\~`).Replace(text)
	return regexp.MustCompile(`ssmguard [a-z]+ --[a-z]+ [A-Z]+[0-9]*`).ReplaceAllString(text, "`$0`")
}
