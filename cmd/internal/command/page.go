package command

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
)

// pageWidth is the width of the help.
const pageWidth = 84

// nameWidth is the width of the names of options and verbs in the help.
const nameWidth = 26

const listHead = `ssmguard starts AWS Session Manager sessions and says why one would be refused.

usage: ssmguard COMMAND [options]
`

const listTail = `
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

// Page writes the help of a command. It is written without text/template, see Run.
func Page(w io.Writer, c *Command) error {
	var b strings.Builder
	words := cmp.Or(c.UsageText, c.ArgsUsage)
	fmt.Fprintf(&b, "usage: %s\n\n%s\n", strings.TrimSpace("ssmguard "+c.Path()+" "+words), strings.TrimSpace(c.Description))
	if c.Verbs != nil {
		b.WriteString("\ncommands:\n")
	}
	for _, v := range c.Verbs {
		fmt.Fprintf(&b, "  %-*s  %s\n", nameWidth, v.Name+" "+v.ArgsUsage, v.Usage)
	}
	for _, g := range c.FlagGroups() {
		fmt.Fprintf(&b, "\n%s:\n", cmp.Or(g.Heading, "options"))
		for _, f := range g.Flags {
			fmt.Fprintf(&b, "  %-*s", nameWidth, f.Typed())
			if len(f.Typed()) > nameWidth {
				fmt.Fprintf(&b, "\n%*s", nameWidth+2, "")
			}
			fmt.Fprintf(&b, "  %s\n", wrap(f.About(), nameWidth+4))
		}
	}
	if c.Examples != nil {
		b.WriteString("\nexamples:\n")
	}
	for _, e := range c.Examples {
		fmt.Fprintf(&b, "  # %s\n  %s\n", e.Text, e.Line)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// List writes the help of a program: its commands by their groups.
func List(w io.Writer, commands []*Command) error {
	var b strings.Builder
	b.WriteString(listHead)
	for _, group := range Groups {
		heading := "\n" + group + ":\n"
		for _, c := range commands {
			if c.Category == group && !c.Hidden {
				fmt.Fprintf(&b, "%s  %-15s %s\n", heading, c.Name, c.Usage)
				heading = ""
			}
		}
	}
	b.WriteString(listTail)
	_, err := io.WriteString(w, b.String())
	return err
}

// wrap breaks a text at spaces into lines that end before pageWidth; all but the first
// begin with as many spaces as stand before the first.
func wrap(text string, before int) string {
	if len(text) <= pageWidth-before {
		return text
	}
	var b strings.Builder
	width := 0
	for _, word := range strings.Fields(text) {
		switch {
		case width > 0 && width+1+len(word) > pageWidth-before:
			b.WriteString("\n" + strings.Repeat(" ", before))
			width = 0
		case width > 0:
			b.WriteString(" ")
			width++
		}
		b.WriteString(word)
		width += len(word)
	}
	return b.String()
}
