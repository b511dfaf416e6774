package cli

import (
	"strings"

	"github.com/urfave/cli/v2"
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

// newApp builds the command table. It is built for each run: urfave/cli keeps
// parsed values in its flags.
func newApp(p *process) *cli.App {
	app := &cli.App{
		Name:                      "ssmguard",
		Usage:                     "start sessions, and say why one would be refused",
		Reader:                    p.stdin,
		Writer:                    p.stdout,
		ErrWriter:                 p.stderr,
		HideVersion:               true,
		HideHelpCommand:           true,
		DisableSliceFlagSeparator: true,
		CustomAppHelpTemplate:     appHelp,
		ExitErrHandler:            func(*cli.Context, error) {}, // Main alone exits
		OnUsageError:              onUsageError,
		Action:                    unknownCommand,
		Commands: append(awsCommands(p),
			tunnelCommand(p),
			explainCommand(p),
			evalCommand(p),
			sandboxCommand(p),
			demoCommand(p),
			completionCommand(p),
			completeCommand(p),
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
	message := strings.Replace(err.Error(), "flag provided but not defined: -", "unknown option: --", 1)
	name := "ssmguard help"
	if c.Command != nil && c.Command.Name != c.App.Name {
		name += " " + c.Command.Name
	}
	return usagef("%s; see %q", message, name)
}

// unknownCommand runs when no command was named.
func unknownCommand(c *cli.Context) error {
	if c.Args().Present() {
		return usagef("unknown command: %s; see %q", c.Args().First(), "ssmguard help")
	}
	return cli.ShowAppHelp(c)
}

// noWords rejects words that no option takes. urfave/cli stops at the first of
// them and would drop every option behind it.
func noWords(c *cli.Context) error {
	if c.Args().Present() {
		return usagef("unknown word: %s; see %q", c.Args().First(), "ssmguard help "+c.Command.Name)
	}
	return nil
}

func helpCommand(p *process) *cli.Command {
	return &cli.Command{
		Name:        "help",
		Usage:       "tell more about a command",
		UsageText:   "ssmguard help [COMMAND] | ssmguard help --man",
		Description: "Lists the commands, or tells more about one of them.",
		Flags:       []cli.Flag{&cli.BoolFlag{Name: "man", Usage: "print all of it as a man page"}},
		Action: func(c *cli.Context) error {
			switch name := c.Args().First(); {
			case c.Bool("man"):
				return manPage(p.stdout, c.App)
			case c.Args().Len() > 1:
				return usagef("unknown word: %s; help takes one command", c.Args().Get(1))
			case name == "":
				return cli.ShowAppHelp(c)
			case c.App.Command(name) == nil:
				return usagef("unknown command: %s; see %q", name, "ssmguard help")
			default:
				return cli.ShowCommandHelp(c, name)
			}
		},
	}
}
