package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/urfave/cli/v2"

	"ssmguard/cmd/internal/awscli"
	"ssmguard/cmd/internal/awsconf"
)

// sessionHelp describes what the AWS CLI's grammar has no help for.
const sessionHelp = `The options are those of "aws ssm start-session", spelled and abbreviated alike:
--target, --document-name, --parameters, --reason, --profile, --region,
--endpoint-url, --debug and the rest. A target may be an id, a name, tag:KEY=VALUE
or a private address; on a terminal "ssmguard start-session" without one shows the
connected targets to choose from.
` + ownHelp

// awsHelp describes the AWS CLI's place.
const awsHelp = `Takes a whole command line of the AWS CLI. "ssm start-session" and "ecs
execute-command" are checked first, and but for that behave as there: options, output,
exit codes, the plugin in PATH if there is one; a target is an id. Everything else goes
to the next aws in PATH.
` + ownHelp

// ownHelp describes the options of a session that the AWS CLI has not.
const ownHelp = `
Our own options, each with a variable for its default (SSMGUARD_GUARD and so on):

  --guard on         stop on a proven denial (default)
  --guard warn       explain, and go on
  --guard strict     stop also when it cannot be told
  --guard off        ask nothing
  --plugin embedded  use the session-manager plugin built in (default)
  --plugin PATH      use another
  --engine native    carry the session with our own data channel, not the plugin
  --no-cache         neither read nor write what earlier runs learned
  --timings          tell where the time before the session went

With --engine native stdout is the session's alone, a lost connection is resumed,
the end of stdin is told to the far side, which then ends in its own time, and a
command's exit code is ours (255 if a signal ended it) where the agent tells it:
in AWS-StartNonInteractiveCommand with separateOutputStream=True, which also keeps
the command's stderr apart. Such a command reads no input. On a terminal, at the
start of a line, ~. leaves a shell, ~^Z suspends it, ~~ is a tilde, ~? tells.
`

// checkHelp describes what check has beside the options of a session.
const checkHelp = `
check takes these too:

  --output text|json|sarif    text on stderr (default), or data on stdout
  --expect allow|deny         exit with 0 if that is the answer, with 255 if not
  --context KEY=VALUE         state a condition key, such as aws:SourceIp
  --what-if-add FILE          ask as if the caller had this policy too
  --what-if-remove NAME       ask as if the caller had not this policy
  --matrix FILE.yaml          ask many requests at once; it brings its own targets

Policies that are in no account yet are checked without AWS:

  --policy FILE               IAM policy JSON, or the output of "terraform show -json"
  --boundary, --session-policy, --scp, --rcp, --endpoint-policy FILE
                              what else bears on the caller
  --principal ARN             who asks
  --target-tag, --document-tag KEY=VALUE
                              the tags that the policies ask for

Exit codes: 0 allowed, 3 denied, 4 undecided, others as for a session.
`

// wordsRun runs the words after a command.
type wordsRun func(p *process, ctx context.Context, words []string) error

// wordsCommand is a command that reads its words itself, by the AWS CLI's
// grammar; urfave/cli only finds it. Unlike there --help is an option.
func wordsCommand(p *process, name, usage, text, help string, run wordsRun) *cli.Command {
	return &cli.Command{
		Name: name, Usage: usage, UsageText: text, Description: help,
		SkipFlagParsing: true, HideHelp: true,
		Action: func(c *cli.Context) error {
			words := c.Args().Slice()
			if name != "aws" && wantsHelp(words) {
				return cli.ShowCommandHelp(c, name)
			}
			err := run(p, c.Context, words)
			if errors.Is(err, errHelp) {
				return cli.ShowCommandHelp(c, name)
			}
			return err
		},
	}
}

// wantsHelp finds --help and -h among the options of a command line.
func wantsHelp(words []string) bool {
	if i := slices.Index(words, "--"); i >= 0 {
		words = words[:i]
	}
	return slices.Contains(words, "--help") || slices.Contains(words, "-h")
}

// awsCommands are the commands of a session.
func awsCommands(p *process) []*cli.Command {
	return []*cli.Command{
		wordsCommand(p, "start-session", "check, then start a session", "ssmguard start-session --target TARGET [options]", sessionHelp, targeted("start-session", (*process).startSession)),
		wordsCommand(p, "ssm", "the same, typed as for the AWS CLI", "ssmguard ssm start-session --target TARGET [options]", sessionHelp,
			func(p *process, ctx context.Context, words []string) error {
				return p.ssm(ctx, append([]string{"ssm"}, words...))
			}),
		wordsCommand(p, "check", "check only, start nothing", "ssmguard check --target TARGET [options]", sessionHelp+checkHelp, targeted("check", (*process).check)),
		wordsCommand(p, "policy", "print the smallest policy that allows a session", "ssmguard policy --target TARGET [--format json|terraform|cloudformation] [options]", policyHelp, targeted("policy", (*process).policyWords)),
		wordsCommand(p, "aws", "the same for any aws command line; others go to the next aws in PATH", "ssmguard aws ...", awsHelp, (*process).aws),
		wordsCommand(p, "ecs", "check, then run a command in an ECS task", "ssmguard ecs execute-command --task TASK --command COMMAND --interactive [options]", ecsHelp, (*process).ecs),
		wordsCommand(p, "doctor", "look at everything a session depends on", "ssmguard doctor [--target TARGET] [--output text|json] [options]", doctorHelp, targeted("doctor", (*process).doctorWords)),
		wordsCommand(p, "ssh-proxy", "carry ssh, scp and rsync, as their ProxyCommand", "ssmguard ssh-proxy HOST PORT [options]", sshProxyHelp, (*process).sshProxy),
		wordsCommand(p, "alias", "put ssmguard in front of the AWS CLI and ssh", "ssmguard alias [SHELL] [--install|--uninstall|--print] [--shim DIR] [--ssh-config]", aliasHelp, (*process).alias),
	}
}

// errHelp is returned when help was asked for in the AWS CLI's way, by the word.
var errHelp = errors.New("help wanted")

// startSession runs the words after `start-session`.
func (p *process) startSession(ctx context.Context, words []string) error {
	words, err := p.withTarget(ctx, append([]string{"ssm", "start-session"}, words...))
	if err == nil {
		err = p.ssm(ctx, words)
	}
	return ownVoice("start-session", err, sessionFlags("ssm")...)
}

// ssm runs the words after `aws` where they have to be a command of ours.
func (p *process) ssm(ctx context.Context, words []string) error {
	line, err := p.sessionLine(words)
	if err != nil {
		return err
	}
	switch line.call.Command {
	case awscli.Help:
		return errHelp
	case awscli.Version:
		_, err := fmt.Fprintln(p.stdout, version())
		return err
	case awscli.Foreign:
		return line.unknown()
	case awscli.ExecuteCommand:
		return line.execute(ctx)
	default:
		return line.start(ctx)
	}
}

// aws runs the words after `aws` and hands what is not ours to the next aws.
func (p *process) aws(ctx context.Context, words []string) error {
	line, err := p.sessionLine(words)
	if err != nil {
		return err
	}
	line.dropIn = true
	switch {
	case !line.ours():
		return line.elsewhere(func(path string, args, environ []string) error { return p.become(path, args, environ) })
	case line.call.Command == awscli.ExecuteCommand:
		return line.execute(ctx)
	default:
		return line.start(ctx)
	}
}

// ours tells whether a command line for the AWS CLI is to be run here: one that
// starts a session, unless the user has given that command another meaning.
func (l *sessionLine) ours() bool {
	switch service := l.call.Service; l.call.Command {
	case awscli.StartSession, awscli.ExecuteCommand:
		return !l.call.Globals.AutoPrompt && !awsconf.Aliased(service, operationOf[service], l.lookup)
	case awscli.Print:
		return true
	}
	return false
}

// elsewhere hands a command line that is not ours to the next aws, and does what can
// be done with it where there is none.
func (l *sessionLine) elsewhere(become func(path string, args, environ []string) error) error {
	err := l.passThrough(l.words, become)
	if !errors.Is(err, errNoOtherAWS) {
		return err
	}
	switch l.call.Command {
	case awscli.Help:
		return errHelp
	case awscli.Version:
		_, err := fmt.Fprintln(l.stdout, version())
		return err
	}
	if l.call.Refusal != nil {
		return l.call.Refusal // the error of an AWS CLI that has only our commands
	}
	return err
}

// start runs a command line that asks for a session, or for what the AWS CLI
// prints instead of starting one.
func (l *sessionLine) start(ctx context.Context) error {
	if l.call.Command == awscli.Print {
		_, err := io.WriteString(l.stdout, l.call.Output)
		return err
	}
	w, conf, err := l.connect(ctx)
	if err != nil {
		return err
	}
	defer w.evidence.Close()
	return newStart(l, w, conf).run(ctx)
}
