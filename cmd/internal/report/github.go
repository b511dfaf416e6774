package report

import (
	"cmp"
	"io"
	"strconv"
	"strings"

	"ssmguard/guard"
	"ssmguard/internal/safetext"
)

// GitHub renders findings as annotations of files, by the commands that GitHub's runner
// reads from a log (docs.github.com/actions, "Workflow commands"), and the verdict as a line.
type GitHub struct {
	w     io.Writer
	files []string
}

// NewGitHub returns a Handler that annotates policy files. A finding that is about no line
// of theirs annotates the first of them.
func NewGitHub(w io.Writer, files []string) *GitHub { return &GitHub{w: w, files: files} }

// Config implements Handler.
func (g *GitHub) Config(Config) error { return nil }

// Close implements Handler.
func (g *GitHub) Close() error { return nil }

var githubLevel = map[guard.Level]string{guard.Error: "error", guard.Warning: "warning", guard.Note: "notice"}

// Decision implements Handler.
func (g *GitHub) Decision(d guard.Decision) error {
	if err := g.Findings(d); err != nil {
		return err
	}
	word, sentence := verdict(d)
	_, err := safetext.Fprintf(g.w, "ssmguard: %s: %s\n", word, sentence)
	return err
}

// Findings annotates the findings of a decision, and says nothing of its verdict.
func (g *GitHub) Findings(d guard.Decision) error {
	var b strings.Builder
	for _, f := range d.Findings {
		var placed bool
		for _, n := range f.Nearest {
			if fault := newFault(d, f, n); fault != nil {
				g.annotate(&b, d, f, "file="+property(fault.File), "line="+strconv.Itoa(fault.Line), "col="+strconv.Itoa(fault.Column),
					"endLine="+strconv.Itoa(fault.EndLine), "endColumn="+strconv.Itoa(fault.EndColumn))
				placed = true
			}
		}
		switch {
		case placed:
		case len(g.files) > 0:
			g.annotate(&b, d, f, "file="+property(g.files[0]))
		default:
			g.annotate(&b, d, f)
		}
	}
	_, err := io.WriteString(g.w, b.String())
	return err
}

// annotate writes one command of the runner.
func (g *GitHub) annotate(b *strings.Builder, d guard.Decision, f guard.Finding, properties ...string) {
	properties = append(properties, "title="+property("ssmguard "+string(f.Code)))
	b.WriteString("::" + cmp.Or(githubLevel[f.Level], "notice") + " " + strings.Join(properties, ",") + "::" + data(message(d, f)) + "\n")
}

// data is a text as a command's message: its lines are kept, and nothing in it is a command.
func data(text string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(safetext.Text(text))
}

// property is a text as the value of a command's property.
func property(text string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(safetext.Line(text))
}
