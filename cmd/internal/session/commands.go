package session

import (
	"context"
	"slices"

	"github.com/urfave/cli/v2"

	"ssmguard/cmd/internal/ask"
	"ssmguard/cmd/internal/command"
	"ssmguard/cmd/internal/env"
	"ssmguard/configs"
)

// Commands declares the commands that start a session.
func Commands() []*command.Command {
	return []*command.Command{
		{
			Command: cli.Command{
				Name: "start-session", Category: command.Sessions, SkipFlagParsing: true, ArgsUsage: "--target TARGET [options]",
				Usage: "check, then start a session",
				Description: `Asks whether IAM allows the session, explains a denial, and else starts it. The options
are those of "aws ssm start-session", spelled and abbreviated alike, and some of ours.
On a terminal, without a target, it shows the connected ones to choose from.
"ssmguard ssm start-session" is the same with errors in the AWS CLI's words.

With --engine native stdout is the session's alone, a lost connection is resumed, and
the end of stdin is told to the far side, which then ends in its own time. At the start
of a line ~. leaves a shell, ~^Z suspends it, ~~ is a tilde, ~? tells. A command's exit
code is ours (255 if a signal ended it) where the agent tells it: in
AWS-StartNonInteractiveCommand with separateOutputStream=True, which also keeps the
command's stderr apart. Such a command reads no input.

With --plugin-output, too, stdout gets the lines that programs know from the official
plugin ("Waiting for connections..."), and signals and ends are the plugin's: an interrupt
ends a forwarded port with exit code 0 and is a key to a shell, and ~ is a key like any other.`,
			},
			Options: func() []command.Flag { return ask.SessionFlags("ssm") },
			Likely:  []string{"connect", "session", "ssh", "shell", "login"},
			Examples: []command.Example{
				{Line: "ssmguard start-session --target tag:Name=bastion", Text: "a shell on the instance with that tag"},
				{Line: "ssmguard start-session --target bastion --document-name AWS-StartPortForwardingSessionToRemoteHost --parameters host=db.internal,portNumber=5432,localPortNumber=15432",
					Text: "a port here that leads to a database behind the target"},
			},
			Files: []command.File{
				{Name: "~/.aws/config, ~/.aws/credentials", Text: "Profiles, regions and credentials, as the AWS CLI reads them."},
				{Name: "~/.cache/ssmguard", Text: "What runs learn from each other; --no-cache does without."},
			},
			Run: ask.Targeted("start-session", StartSession),
		},
		{
			Command: cli.Command{
				Name: "ecs", Category: command.Sessions, SkipFlagParsing: true, ArgsUsage: "execute-command --task TASK --command COMMAND --interactive [options]",
				Usage: "check, then run a command in an ECS task",
				Description: `The options are those of "aws ecs execute-command", and ours. Before the command is
sent, ecs:ExecuteCommand is checked on the task and on its cluster. Unlike the AWS CLI,
it keeps the session's token out of the process table and reconnects through Systems
Manager; "ssmguard aws ecs execute-command" does so, too. "ssmguard help start-session"
tells about the engines.`,
			},
			Options: func() []command.Flag { return ask.SessionFlags("ecs") },
			Words:   ask.OperationOf["ecs"],
			Likely:  []string{"exec", "execute-command"},
			Examples: []command.Example{{Line: "ssmguard ecs execute-command --cluster web --task 0123456789abcdef0123456789abcdef --command sh --interactive",
				Text: "a shell in a task that has one container"}},
			Run: ECS,
		},
		{
			Command: cli.Command{
				Name: "ssh-proxy", Category: command.Sessions, SkipFlagParsing: true, ArgsUsage: "HOST PORT [options]",
				Usage: "carry ssh, scp and rsync, as their ProxyCommand",
				Description: `Carries ssh, scp and rsync through a session, as ProxyCommand of an ssh_config:

  Host i-* mi-*
    ProxyCommand /path/of/ssmguard ssh-proxy '%h' %p

"ssmguard alias --ssh-config --install" writes that. HOST is an id, a name or
tag:KEY=VALUE. Nothing but the connection is on stdout; what we say, ssh shows.`,
			},
			Options: sshProxyFlags,
			Words:   "TARGET",
			Examples: []command.Example{{Line: `ssh -o "ProxyCommand=ssmguard ssh-proxy --user '%r' --push-key ~/.ssh/id_ed25519 '%h' %p" ec2-user@i-0123456789abcdef0`,
				Text: "ssh to an instance that does not know the key yet"}},
			Run: SSHProxy,
		},
		{
			Command: cli.Command{
				Name: "aws", Category: command.Setup, SkipFlagParsing: true, ArgsUsage: "...",
				Usage: "check the sessions of an aws command line; others go to the next aws in PATH",
				Description: `Takes a whole command line of the AWS CLI. "ssm start-session" and "ecs
execute-command" are checked first, and but for that behave as there: options, output,
exit codes, the plugin in PATH if there is one. Everything else goes to the next aws in
PATH, as does what --generate-cli-skeleton asks for.`,
			},
			Options:  ask.AWSCommandLine,
			Words:    "SERVICE",
			Examples: []command.Example{{Line: "ssmguard aws ssm start-session --target i-0123456789abcdef0", Text: "a command line of the AWS CLI as it is"}},
			AWSVoice: true, AWSHelp: true,
			Run: AWS,
		},
		{
			Command: cli.Command{
				Name: "ssm", Category: command.Setup, Hidden: true, SkipFlagParsing: true, ArgsUsage: "start-session --target TARGET [options]",
				Usage:       "start-session, typed as for the AWS CLI",
				Description: `"ssmguard ssm start-session" is "ssmguard start-session" with errors in the AWS CLI's words.`,
			},
			Options:  func() []command.Flag { return ask.AboutSession(nil) },
			Words:    ask.OperationOf["ssm"],
			Examples: []command.Example{{Line: "ssmguard ssm start-session --target i-0123456789abcdef0", Text: "a shell on an instance"}},
			AWSVoice: true,
			Run: func(ctx context.Context, p *env.Process, words []string) error {
				return SSM(ctx, p, append([]string{"ssm"}, words...))
			},
		},
	}
}

// sshProxyFlags returns the options of ssh-proxy: of the session only --reason, and
// another default of --engine.
func sshProxyFlags() []command.Flag {
	flags := slices.DeleteFunc(ask.AboutSession(new(sshOptions).flags()), func(f command.Flag) bool {
		return slices.Contains([]string{"--target", "--document-name", "--parameters", "--plugin-output", "--peer"}, f.Name)
	})
	for i := range flags {
		if flags[i].Name == "--engine" {
			flags[i].Default = configs.EngineNative
		}
	}
	return flags
}
