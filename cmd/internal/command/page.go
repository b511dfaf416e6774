package command

import (
	"io"
	"slices"

	"github.com/urfave/cli/v2"
)

// pageWidth is the width of the help.
const pageWidth = 84

const pageTemplate = `usage: ssmguard {{.Path}}{{with or .UsageText .ArgsUsage}} {{.}}{{end}}

{{trim .Description}}
{{if .Verbs}}
commands:
{{range .Verbs}}  {{printf "%-26s" (print .Name " " .ArgsUsage)}}  {{.Usage}}
{{end}}{{end}}{{range .Groups}}
{{.Heading}}:
{{range .Flags}}  {{printf "%-26s" .Typed}}{{if gt (len .Typed) 26}}
{{printf "%28s" ""}}{{end}}  {{wrap .About 30}}
{{end}}{{end}}{{with .Examples}}
examples:
{{range .}}  # {{.Text}}
  {{.Line}}
{{end}}{{end}}`

const listTemplate = `ssmguard starts AWS Session Manager sessions and says why one would be refused.

usage: ssmguard COMMAND [options]
{{range .}}{{if .Commands}}
{{.Heading}}:
{{range .Commands}}  {{printf "%-15s" .Name}} {{.Usage}}
{{end}}{{end}}{{end}}
for example:
    ssmguard start-session --target i-0123456789abcdef0 --profile dev

To begin with, "ssmguard demo" shows on this machine what it does, and "ssmguard doctor"
looks at what a session of yours depends on. "ssmguard help COMMAND" tells more about one
command.
`

// FlagGroup is a heading and its options.
type FlagGroup struct {
	Heading string
	Flags   []Flag
}

// FlagGroups returns the options of a command by heading, its own first. urfave/cli
// would sort its categories by name.
func (c *Command) FlagGroups() []FlagGroup {
	var groups []FlagGroup
	for _, f := range c.Flags() {
		if f.Hidden {
			continue
		}
		at := slices.IndexFunc(groups, func(g FlagGroup) bool { return g.Heading == f.Group })
		if at < 0 {
			at, groups = len(groups), append(groups, FlagGroup{Heading: f.Group})
		}
		groups[at].Flags = append(groups[at].Flags, f)
	}
	slices.SortStableFunc(groups, func(a, b FlagGroup) int {
		switch {
		case a.Heading == "" && b.Heading != "":
			return -1
		case b.Heading == "" && a.Heading != "":
			return 1
		}
		return 0
	})
	return groups
}

// Groups returns FlagGroups with a heading for each group.
func (p page) Groups() []FlagGroup {
	groups := p.FlagGroups()
	if len(groups) > 0 && groups[0].Heading == "" {
		groups[0].Heading = "options"
	}
	return groups
}

type page struct{ *Command }

// Page writes the help of a command.
func Page(w io.Writer, c *Command) error { return print(w, pageTemplate, page{c}) }

// List writes the help of a program: its commands by their groups.
func List(w io.Writer, commands []*Command) error {
	type group struct {
		Heading  string
		Commands []*Command
	}
	var groups []group
	for _, heading := range Groups {
		groups = append(groups, group{heading, slices.DeleteFunc(slices.Clone(commands), func(c *Command) bool {
			return c.Hidden || c.Category != heading
		})})
	}
	return print(w, listTemplate, groups)
}

// print fills in a template by urfave/cli, which drops errors of writing; print returns
// them.
func print(w io.Writer, template string, data any) error {
	kept := &keptWriter{w: w}
	cli.HelpPrinterCustom(kept, template, data, map[string]any{"wrapAt": func() int { return pageWidth }})
	return kept.err
}

// keptWriter keeps the first error of a writer.
type keptWriter struct {
	w   io.Writer
	err error
}

// Write implements io.Writer.
func (k *keptWriter) Write(b []byte) (int, error) {
	if k.err != nil {
		return 0, k.err
	}
	var n int
	n, k.err = k.w.Write(b)
	return n, k.err
}
