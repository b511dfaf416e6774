package cli

import (
	"cmp"
	"context"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"ssmguard/cmd/internal/check"
	"ssmguard/cmd/internal/completion"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/sandbox"
	"ssmguard/cmd/internal/tunnel"
)

const appHelp = `ssmguard starts AWS Session Manager sessions and says why one would be refused.

usage: ssmguard COMMAND [options]

{{range .VisibleCommands}}  {{join .Names ", " | printf "%-15s"}} {{.Usage}}
{{end}}
"ssmguard help COMMAND" tells more about one command.
`

const commandHelp = `usage: {{.UsageText}}

{{if .Description}}{{.Description}}
{{end}}{{if .VisibleFlags}}
options:
{{range .VisibleFlags}}  {{.}}
{{end}}{{end}}`

const wordsHelp = `usage: {{.UsageText}}

{{.Description}}`

// runApp runs a command line of ours. urfave/cli drops the errors of writing help:
// they are returned here.
func runApp(ctx context.Context, p *env.Process, args []string) error {
	app := newApp(p)
	help := &keptWriter{w: p.Stdout}
	app.Writer = help
	return cmp.Or(app.RunContext(ctx, args), help.err)
}

// keptWriter keeps the first error of a writer.
type keptWriter struct {
	w   io.Writer
	err error
}

// Write implements io.Writer.
func (k *keptWriter) Write(b []byte) (int, error) {
	n, err := k.w.Write(b)
	k.err = cmp.Or(k.err, err)
	return n, err
}

// newApp builds the command table. It is built for each run: urfave/cli keeps
// parsed values in its flags.
func newApp(p *env.Process) *cli.App {
	app := &cli.App{
		Name:                      "ssmguard",
		Usage:                     "start sessions, and say why one would be refused",
		Reader:                    p.Stdin,
		Writer:                    p.Stdout,
		ErrWriter:                 p.Stderr,
		HideVersion:               true,
		HideHelpCommand:           true,
		DisableSliceFlagSeparator: true,
		CustomAppHelpTemplate:     appHelp,
		ExitErrHandler:            func(*cli.Context, error) {}, // Main alone exits
		OnUsageError:              onUsageError,
		Action:                    unknownCommand,
		Commands: append(awsCommands(p),
			tunnel.Command(p),
			check.ExplainCommand(p),
			check.EvalCommand(p),
			sandbox.Command(p),
			sandbox.DemoCommand(p),
			completion.Command(p),
			completion.Complete(p),
			versionCommand(p),
			helpCommand(p),
		),
	}
	for _, c := range app.Commands {
		c.HideHelpCommand = true // a word after a command is never a command
		c.OnUsageError = onUsageError
		c.CustomHelpTemplate = commandHelp
		if c.SkipFlagParsing {
			c.CustomHelpTemplate = wordsHelp
		}
	}
	return app
}

func onUsageError(c *cli.Context, err error, _ bool) error {
	message := err.Error()
	if option, ok := strings.CutPrefix(message, "flag provided but not defined: -"); ok {
		if len(option) > 1 {
			option = "-" + option
		}
		message = "unknown option: -" + env.Printable(option)
	}
	name := "ssmguard help"
	if c.Command != nil && c.Command.Name != c.App.Name {
		name += " " + c.Command.Name
	}
	return exit.Usagef("%s; see %q", message, name)
}

// unknownCommand runs when no command was named.
func unknownCommand(c *cli.Context) error {
	if c.Args().Present() {
		return noCommand(c)
	}
	return cli.ShowAppHelp(c)
}

// noCommand says that a command's name is none.
func noCommand(c *cli.Context) error {
	word := c.Args().First()
	return exit.Usagef("unknown command: %s%s", env.Printable(word), nearestCommand(c.App, word))
}

// nested are the commands that have others below them, all on one page.
var nested = []string{"aws", "ssm", "ecs", "tunnel"}

func helpCommand(p *env.Process) *cli.Command {
	return &cli.Command{
		Name:        "help",
		Usage:       "tell more about a command",
		UsageText:   "ssmguard help [COMMAND] | ssmguard help --man",
		Description: "Lists the commands, or tells more about one of them.",
		Flags:       []cli.Flag{&cli.BoolFlag{Name: "man", Usage: "print all of it as a man page", DisableDefaultText: true}},
		Action: func(c *cli.Context) error {
			switch name := c.Args().First(); {
			case c.Bool("man"):
				return manPage(p.Stdout, c.App)
			case name == "":
				return cli.ShowAppHelp(c)
			case c.App.Command(name) == nil:
				return noCommand(c)
			case c.Args().Len() > 1 && !slices.Contains(nested, name):
				return exit.Usagef("unknown word: %s; help takes one command", env.Printable(c.Args().Get(1)))
			default:
				return cli.ShowCommandHelp(c, name)
			}
		},
	}
}
