package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"ssmguard/cmd/internal/alias"
	"ssmguard/cmd/internal/check"
	"ssmguard/cmd/internal/command"
	"ssmguard/cmd/internal/completion"
	"ssmguard/cmd/internal/doctor"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/lint"
	"ssmguard/cmd/internal/migrate"
	"ssmguard/cmd/internal/sandbox"
	"ssmguard/cmd/internal/session"
	"ssmguard/cmd/internal/trust"
	"ssmguard/cmd/internal/tunnel"
	"ssmguard/cmd/internal/who"
	"ssmguard/internal/safetext"
)

// commands returns the commands of all packages, in the order of the help.
func commands() []*command.Command {
	var list []*command.Command
	all := func() []*command.Command { return list }
	list = slices.Concat(
		session.Commands(),
		check.Commands(),
		who.Commands(),
		[]*command.Command{lint.Command()},
		[]*command.Command{doctor.Command(), tunnel.Command(), tunnel.Database(), trust.Command(), migrate.Command()},
		sandbox.Commands(),
		[]*command.Command{alias.Command()},
		completion.Commands(all),
		ownCommands(all),
	)
	return list
}

// runApp runs a command line of ours.
func runApp(ctx context.Context, p *env.Process, args []string) error {
	name := strings.Join(args[1:min(2, len(args))], "")
	return command.Run(ctx, newApp(p, commands(), name), args[1:])
}

// newApp returns the program as a command of urfave/cli with the named command only,
// which halves the time; help has all commands.
func newApp(p *env.Process, commands []*command.Command, name string) *cli.Command {
	app := &cli.Command{
		Name: "ssmguard",
		Action: func(c *cli.Context) error { // no such command
			if c.Args().Present() {
				return command.UnknownWords(p, &command.Command{Verbs: commands, Meant: meant}, c.Args().Slice())
			}
			return command.List(p.Stdout, commands, env.Width(p.Stdout))
		},
	}
	page := func(c *command.Command) error { return command.Page(p.Stdout, c, env.Width(p.Stdout)) }
	for _, c := range commands {
		if c.Name == name || name == "help" {
			app.Subcommands = append(app.Subcommands, c.Join(p, "", page))
		}
	}
	return app
}

// ownCommands declares help and version.
func ownCommands(all func() []*command.Command) []*command.Command {
	var man bool
	return []*command.Command{
		{
			Command: cli.Command{
				Name: "help", Category: command.Setup, ArgsUsage: "[COMMAND]",
				Usage:       "tell more about a command",
				Description: "Lists the commands, or tells more about one of them, with examples and its options.",
			},
			Run: func(_ context.Context, p *env.Process, words []string) error {
				if man {
					return manPage(p.Stdout, all())
				}
				return help(p, all(), words)
			},
			Options: func() []command.Flag {
				return []command.Flag{{Name: "--man", Text: "print all of it as a man page", Set: command.Switch(&man)}}
			},
			Words: "TOPIC",
			Examples: []command.Example{
				{Line: "ssmguard help tunnel up", Text: "read about one command"},
				{Line: "ssmguard help options", Text: "read about the options that several commands have"},
				{Line: "ssmguard help --man | man -l -", Text: "read about all of them"},
			},
		},
		versionCommand(),
	}
}

// optionsTopic is the word for the page of options that several commands have.
const optionsTopic = "options"

// help writes the page of the command in words.
func help(p *env.Process, all []*command.Command, words []string) error {
	c, rest := (&command.Command{Verbs: all}).Below(words)
	switch {
	case len(words) == 1 && words[0] == optionsTopic:
		return command.Options(p.Stdout, command.SharedGroups(all), env.Width(p.Stdout))
	case len(words) == 0:
		return command.List(p.Stdout, all, env.Width(p.Stdout))
	case c.Name == "":
		return command.Unknown("", words[0], all)
	case len(rest) > 0 && c.Verbs != nil:
		return command.Unknown(c.Path(), rest[0], c.Verbs)
	case len(rest) > 0 && !slices.Contains([]string{"aws", "ssm", "ecs"}, c.Name): // the page of these commands is about the words after them, too
		return exit.Usagef("unknown word: %s; help takes one command", safetext.Line(rest[0]))
	}
	return command.Page(p.Stdout, c, env.Width(p.Stdout))
}
