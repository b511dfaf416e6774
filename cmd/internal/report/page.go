package report

import (
	"io"
	"strings"
	"text/tabwriter"

	"ssmguard/guard"
	"ssmguard/guard/finding"
	"ssmguard/internal/safetext"
)

// pageWidth is the width of a page when the terminal's is not known or wider.
const pageWidth = 80

// Page writes the page of one finding's rule. width is the terminal's, 0 when it
// is not known.
func Page(w io.Writer, r finding.Rule, width int) error {
	if width == 0 || width > pageWidth {
		width = pageWidth
	}
	var b strings.Builder
	safetext.Fprintf(&b, "%s  %s\n\n%s\n", r.Code, r.Title, wrap(r.Text, "", 0, width))
	for _, part := range []struct{ title, text string }{{"before", r.Example.Before}, {"after", r.Example.After}} {
		if part.text == "" {
			continue
		}
		safetext.Fprintf(&b, "\n%s\n", part.title)
		for line := range strings.Lines(part.text) {
			safetext.Fprintf(&b, "  %s\n", strings.TrimRight(line, "\n"))
		}
	}
	if len(r.DependsOn) > 0 {
		safetext.Fprintf(&b, "\nnot shown beside %s, which say more\n", joinCodes(r.DependsOn))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Index writes a line for each rule.
func Index(w io.Writer, rules []finding.Rule) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range rules {
		safetext.Fprintf(table, "%s\t%s\n", r.Code, r.Title)
	}
	return table.Flush()
}

func joinCodes(codes []guard.Code) string {
	words := make([]string, len(codes))
	for i, c := range codes {
		words[i] = string(c)
	}
	return strings.Join(words, ", ")
}
