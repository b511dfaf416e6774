package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"ssmguard/cmd/internal/env"
)

// manPage writes the help of every command as a man page, in roff.
func manPage(w io.Writer, app *cli.App) error {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH SSMGUARD 1\n.SH NAME\n%s \\- %s\n.SH SYNOPSIS\n.B %s\nCOMMAND [options]\n.SH COMMANDS\n",
		app.Name, roff(app.Usage), app.Name)
	for _, c := range app.VisibleCommands() {
		fmt.Fprintf(&b, ".SS %s\n%s\n.PP\n.nf\n%s\n.fi\n", roff(c.Name), roff(env.UpperFirst(c.Usage))+".", roff(c.UsageText))
		if c.Description != "" {
			fmt.Fprintf(&b, ".PP\n.nf\n%s\n.fi\n", roff(strings.TrimSpace(c.Description)))
		}
		for _, f := range c.VisibleFlags() {
			flag, about, _ := strings.Cut(f.String(), "\t")
			fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", roff(flag), roff(about))
		}
	}
	b.WriteString(exitStatusRoff)
	_, err := io.WriteString(w, b.String())
	return err
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
Everything else. The command check alone adds 3 (denied) and 4 (undecided).
`

// roff keeps a text's lines and characters as they are.
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
