package cli

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"ssmguard/cmd/internal/command"
	"ssmguard/cmd/internal/env"
)

// manPage writes all commands as a man page in roff, with shared options listed once.
// urfave/cli's own man page needs a Markdown renderer, and the build tag
// urfave_cli_no_docs leaves it out.
func manPage(w io.Writer, commands []*command.Command) error {
	m := &man{seen: map[string]bool{}}
	m.f(".TH SSMGUARD 1\n.SH NAME\nssmguard \\- start sessions, and say why one would be refused\n.SH SYNOPSIS\n.B ssmguard\nCOMMAND [options]\n.SH DESCRIPTION\nAsks whether IAM allows a session before it starts one, and explains what is missing when the answer is no.\n")
	for _, group := range command.Groups {
		m.f(".SH %s\n", roff(strings.ToUpper(group)))
		for _, c := range commands {
			if c.Category == group && !c.Hidden {
				m.command(c)
			}
		}
	}
	m.sharedOptions(command.SharedGroups(commands))
	m.f(".SH EXAMPLES\n")
	m.each(commands, m.examples)
	m.environment(commands)
	m.f(".SH FILES\n")
	m.each(commands, func(c *command.Command) {
		for _, f := range c.Files {
			m.item(f.Name, f.Text)
		}
	})
	m.f("%s", exitStatusRoff)
	_, err := io.WriteString(w, m.String())
	return err
}

// man is a man page being written.
type man struct {
	strings.Builder
	seen map[string]bool // options, examples and variables that are written already
}

func (m *man) f(format string, args ...any) { fmt.Fprintf(m, format, args...) }

func (m *man) item(name, text string) { m.f(".TP\n.B %s\n%s\n", roff(name), roff(text)) }

// each calls do for commands and the commands below them.
func (m *man) each(commands []*command.Command, do func(*command.Command)) {
	for _, c := range commands {
		if !c.Hidden {
			do(c)
			m.each(c.Verbs, do)
		}
	}
}

func (m *man) command(c *command.Command) {
	m.f(".SS %s\n%s.\n.PP\n.B ssmguard %s\n%s\n.PP\n.nf\n%s\n.fi\n", roff(c.Path()), roff(env.UpperFirst(c.Usage)), roff(c.Path()), roff(cmp.Or(c.UsageText, c.ArgsUsage)), roff(strings.TrimSpace(c.Description)))
	var also []string
	for _, g := range c.FlagGroups() {
		if g.Heading == "" {
			m.flags(g.Flags)
			continue
		}
		also = append(also, g.Heading)
	}
	if also != nil {
		m.f(".PP\nAlso: %s.\n", roff(strings.Join(also, "; ")))
	}
	for _, v := range c.Verbs {
		m.command(v)
	}
}

func (m *man) flags(flags []command.Flag) {
	for _, f := range flags {
		m.seen[f.String()] = true
		m.item(f.Typed(), f.About())
	}
}

// unseen returns the options that are not written yet.
func (m *man) unseen(flags []command.Flag) []command.Flag {
	return slices.DeleteFunc(flags, func(f command.Flag) bool { return m.seen[f.String()] })
}

// sharedOptions writes the options of several commands; a command may have only some of
// them.
func (m *man) sharedOptions(groups []command.FlagGroup) {
	for _, g := range groups {
		if flags := m.unseen(g.Flags); len(flags) > 0 {
			m.f(".SH %s\n", roff(strings.ToUpper(g.Heading)))
			m.flags(flags)
		}
	}
}

func (m *man) examples(c *command.Command) {
	for _, e := range c.Examples {
		if m.seen[e.Line] {
			continue
		}
		m.seen[e.Line] = true
		m.f(".PP\n%s:\n.PP\n.nf\n.RS\n%s\n.RE\n.fi\n", roff(env.UpperFirst(e.Text)), roff(e.Line))
	}
}

// environment writes the variables that are defaults of options, and the AWS CLI's.
func (m *man) environment(commands []*command.Command) {
	m.f(".SH ENVIRONMENT\n")
	m.each(commands, func(c *command.Command) {
		for _, f := range c.Flags() {
			if f.Env != "" && !m.seen[f.Env] {
				m.seen[f.Env] = true
				m.item(f.Env, "The default of "+f.Name+".")
			}
		}
	})
	m.item("XDG_CONFIG_HOME, XDG_STATE_HOME, XDG_CACHE_HOME", "Instead of ~/.config, ~/.local/state and ~/.cache.")
	m.item("NO_COLOR", "Write without colour.")
	m.item("COLUMNS", "How wide explanations on stderr are, where that is no terminal.")
	m.item("AWS_PROFILE, AWS_REGION, AWS_CONFIG_FILE and others", "As the AWS CLI reads them.")
}

const exitStatusRoff = `.SH EXIT STATUS
.TP
.B 0
The session ended well.
.TP
.B 130
Interrupted by Ctrl-C.
.TP
.B 252
The command line is wrong.
.TP
.B 253
Environment, credentials or configuration.
.TP
.B 254
AWS or the guard said no.
.TP
.B 255
Everything else. Commands that ask about permissions add 3 (denied, a fault, a counterexample) and 4 (undecided,
answered in part).
`

// roff escapes a text so that its lines and characters stay unchanged.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(s)
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
