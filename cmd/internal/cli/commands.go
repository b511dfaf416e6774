package cli

import (
	"context"
	"errors"

	"github.com/urfave/cli/v2"

	"ssmguard/cmd/internal/alias"
	"ssmguard/cmd/internal/ask"
	"ssmguard/cmd/internal/check"
	"ssmguard/cmd/internal/doctor"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/session"
)

// wordsCommand is a command that reads its words itself, by the AWS CLI's
// grammar; urfave/cli only finds it. Unlike there --help is an option.
func wordsCommand(p *env.Process, name, usage, text, help string, run ask.WordsRun) *cli.Command {
	return &cli.Command{
		Name: name, Usage: usage, UsageText: text, Description: help,
		SkipFlagParsing: true, HideHelp: true,
		Action: func(c *cli.Context) error {
			words := c.Args().Slice()
			if name != "aws" && ask.WantsHelp(words) {
				return cli.ShowCommandHelp(c, name)
			}
			err := run(c.Context, p, words)
			if errors.Is(err, ask.ErrHelp) {
				return cli.ShowCommandHelp(c, name)
			}
			return err
		},
	}
}

// awsCommands are the commands of a session.
func awsCommands(p *env.Process) []*cli.Command {
	return []*cli.Command{
		wordsCommand(p, "start-session", "check, then start a session", "ssmguard start-session --target TARGET [options]", ask.SessionHelp, ask.Targeted("start-session", session.StartSession)),
		wordsCommand(p, "ssm", "the same, typed as for the AWS CLI", "ssmguard ssm start-session --target TARGET [options]", ask.SessionHelp,
			func(ctx context.Context, p *env.Process, words []string) error {
				return session.SSM(ctx, p, append([]string{"ssm"}, words...))
			}),
		wordsCommand(p, "check", "check only, start nothing", "ssmguard check --target TARGET [options]", ask.SessionHelp+check.Help, ask.Targeted("check", check.Run)),
		wordsCommand(p, "policy", "print the smallest policy that allows a session", "ssmguard policy --target TARGET [--format json|terraform|cloudformation] [options]", check.PolicyHelp, ask.Targeted("policy", check.Policy)),
		wordsCommand(p, "aws", "the same for any aws command line; others go to the next aws in PATH", "ssmguard aws ...", session.AWSHelp, session.AWS),
		wordsCommand(p, "ecs", "check, then run a command in an ECS task", "ssmguard ecs execute-command --task TASK --command COMMAND --interactive [options]", session.ECSHelp, session.ECS),
		wordsCommand(p, "doctor", "look at everything a session depends on", "ssmguard doctor [--target TARGET] [--output text|json] [options]", doctor.Help, ask.Targeted("doctor", doctor.Run)),
		wordsCommand(p, "ssh-proxy", "carry ssh, scp and rsync, as their ProxyCommand", "ssmguard ssh-proxy HOST PORT [options]", session.SSHProxyHelp, session.SSHProxy),
		wordsCommand(p, "alias", "put ssmguard in front of the AWS CLI and ssh", "ssmguard alias [SHELL] [--install|--uninstall|--print] [--shim DIR] [--ssh-config]", alias.Help, alias.Run),
	}
}
