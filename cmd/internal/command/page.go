package command

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"ssmguard/internal/screen"
)

// The width of the help in columns: that of the terminal between the least and the most,
// and the usual one where the help goes to a file.
const (
	usualWidth = 80
	leastWidth = 32
	mostWidth  = 100
)

// nameWidth is the width of the names of options and verbs in the help.
const nameWidth = 26

// narrow is the width below which a text stands under the name that it describes.
const narrow = 60

const listHead = "ssmguard starts AWS Session Manager sessions. Before it starts one it asks whether IAM will allow it, and explains a denial."

// listStart are the lines to begin with.
var listStart = []Example{
	{"ssmguard demo", "see all of it on this machine, without AWS"},
	{"ssmguard start-session --target bastion", "a shell on the instance of that name"},
	{"ssmguard tunnel up --target bastion --host db.internal --port 5432", "a local port that leads to a database and stays open"},
}

const listTail = `"ssmguard help COMMAND" has examples and options, "ssmguard doctor" finds out why a session does not come about.`

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

// SharedGroups returns the options under a heading, which several commands may have, in the
// order of their first use, each option once.
func SharedGroups(commands []*Command) []FlagGroup {
	var groups []FlagGroup
	for _, c := range commands {
		if c.Hidden {
			continue
		}
		for _, g := range slices.Concat(c.FlagGroups(), SharedGroups(c.Verbs)) {
			at := slices.IndexFunc(groups, func(known FlagGroup) bool { return known.Heading == g.Heading })
			switch {
			case g.Heading == "":
			case at < 0:
				groups = append(groups, g)
			default:
				groups[at].Flags = Unique(groups[at].Flags, g.Flags)
			}
		}
	}
	return groups
}

// Page writes the help of a command for a terminal of so many columns, 0 if that is not
// known. It is written without text/template, see Run.
func Page(w io.Writer, c *Command, columns int) error {
	s := newSheet(columns)
	words := cmp.Or(c.UsageText, c.ArgsUsage)
	s.text("usage: ", "    ", "ssmguard "+c.Path()+" "+words)
	if c.Examples != nil {
		s.heading("examples")
	}
	for _, e := range c.Examples {
		s.text("  # ", "  # ", e.Text)
		s.command("  ", e.Line)
	}
	s.b.WriteString("\n")
	s.paragraphs(c.Description)
	if c.Verbs != nil {
		s.heading("commands")
	}
	for _, v := range c.Verbs {
		s.row(v.Name+" "+v.ArgsUsage, v.Usage)
	}
	for _, g := range c.FlagGroups() {
		s.heading(cmp.Or(g.Heading, "options"))
		s.flags(g.Flags)
	}
	return s.writeTo(w)
}

// Options writes the page of groups of options, each option with its text.
func Options(w io.Writer, groups []FlagGroup, columns int) error {
	s := newSheet(columns)
	s.text("", "", "Options that several commands have. The page of a command says which ones it takes.")
	for _, g := range groups {
		s.heading(g.Heading)
		for _, f := range g.Flags {
			s.row(f.Typed(), f.About())
		}
	}
	return s.writeTo(w)
}

// List writes the help of a program for a terminal of so many columns, 0 if that is not
// known: what it is, the lines to begin with, and its commands by their groups.
func List(w io.Writer, commands []*Command, columns int) error {
	s := newSheet(columns)
	s.text("", "", listHead)
	s.b.WriteString("\n")
	s.command("usage: ", "ssmguard COMMAND [options]")
	s.heading("to begin with")
	for _, e := range listStart {
		s.text("  # ", "  # ", e.Text)
		s.command("  ", e.Line)
	}
	for _, group := range Groups {
		heading := group
		for _, c := range commands {
			if c.Category != group || c.Hidden {
				continue
			}
			if heading != "" {
				s.heading(heading)
				heading = ""
			}
			name := fmt.Sprintf("  %-15s ", c.Name)
			s.text(name, strings.Repeat(" ", len(name)), c.Usage)
		}
	}
	s.b.WriteString("\n")
	s.text("", "", listTail)
	return s.writeTo(w)
}

// sheet is a page of help being written.
type sheet struct {
	b     strings.Builder
	width int
}

func newSheet(columns int) *sheet {
	if columns == 0 {
		columns = usualWidth
	}
	return &sheet{width: min(max(columns, leastWidth), mostWidth)}
}

func (s *sheet) writeTo(w io.Writer) error {
	_, err := io.WriteString(w, s.b.String())
	return err
}

func (s *sheet) heading(text string) {
	s.b.WriteString("\n")
	s.text("", "", text+":")
}

// text writes a text broken at spaces, with one word before its first line and another
// before the others.
func (s *sheet) text(first, others, text string) {
	wrapped := screen.Wrap(text, others, utf8.RuneCountInString(first), s.width)
	s.b.WriteString(strings.TrimRight(first+wrapped, " ") + "\n")
}

// paragraphs writes a description. Its lines are filled anew, but for those that begin
// with a space.
func (s *sheet) paragraphs(text string) {
	var open []string
	end := func() {
		if open != nil {
			s.text("", "", strings.Join(open, " "))
		}
		open = nil
	}
	for line := range strings.Lines(strings.TrimSpace(text) + "\n") {
		line = strings.TrimRight(line, "\n")
		if line != "" && line[0] != ' ' {
			open = append(open, line)
			continue
		}
		end()
		s.b.WriteString(line + "\n")
	}
	end()
}

// row writes a name and what it is about.
func (s *sheet) row(name, about string) {
	name = strings.TrimSpace(name)
	if s.width < narrow {
		s.text("  ", "    ", name)
		s.text("      ", "      ", about)
		return
	}
	indent := strings.Repeat(" ", nameWidth+4)
	head := fmt.Sprintf("  %-*s  ", nameWidth, name)
	if len(head) > len(indent) {
		s.b.WriteString(strings.TrimRight(head, " ") + "\n")
		head = indent
	}
	s.text(head, indent, about)
}

// flags writes the options of one heading, those that are only named after the others.
func (s *sheet) flags(flags []Flag) {
	var named []string
	for _, f := range flags {
		if f.Brief {
			named = append(named, f.Name)
			continue
		}
		s.row(f.Typed(), f.About())
	}
	if named != nil {
		s.text("  ", "  ", strings.Join(named, ", ")+`: see "ssmguard help options"`)
	}
}

// command writes a command line that can be pasted: it is broken before an option, outside
// of quotes, and the break is escaped.
func (s *sheet) command(first, typed string) {
	line := first
	for i, part := range beforeOptions(typed) {
		switch {
		case i == 0:
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(part)+2 > s.width:
			s.b.WriteString(line + " \\\n")
			line = strings.Repeat(" ", len(first)+2)
		default:
			line += " "
		}
		line += part
	}
	s.b.WriteString(line + "\n")
}

// beforeOptions cuts a command line before each option that stands outside of quotes.
func beforeOptions(typed string) []string {
	var parts []string
	var quote rune
	from := 0
	for i, r := range typed {
		switch {
		case quote == 0 && (r == '\'' || r == '"'):
			quote = r
		case r == quote:
			quote = 0
		case quote == 0 && strings.HasPrefix(typed[i:], " --"):
			parts, from = append(parts, typed[from:i]), i+1
		}
	}
	return append(parts, typed[from:])
}
