package who

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"ssmguard/cmd/internal/ask"
	"ssmguard/cmd/internal/command"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/policyfile"
	"ssmguard/guard/policy"
)

// Commands declares who and reach.
func Commands() []*command.Command {
	const files = "--account account.json --instances instances.json --documents documents.json"
	return []*command.Command{
		{
			Command: cli.Command{
				Name: "who", Category: command.Checks, SkipFlagParsing: true, ArgsUsage: "[--target TARGET] [--document-name NAME] [options]",
				Usage: "tell who of an account may open what",
				Description: `Tells which users and roles may start a session on a target, with which documents, by which
statements, and what an answer turns on that is not known; without --target on every
target. It reads the account, or what the AWS CLI printed of it. Whom a role trusts is
shown, not evaluated. Exit codes: 0 answered, 4 answered in part, others as for a session.`,
			},
			Options: func() []command.Flag { return shown(new(options).flags()) },
			Likely:  []string{"audit", "access"},
			Examples: []command.Example{
				{Line: "ssmguard who --target bastion --document-name AWS-StartSSHSession", Text: "ask AWS who may open an ssh session on the bastion"},
				{Line: "ssmguard who " + files + " --target i-0123456789abcdef0", Text: "ask what the AWS CLI printed, and nobody else"},
				{Line: "ssmguard who " + files + " --output html > who.html", Text: "make a page of everybody against every target"},
			},
			Run: ask.Targeted("who", func(ctx context.Context, p *env.Process, words []string) error { return run(ctx, p, words, options{}) }),
		},
		{
			Command: cli.Command{
				Name: "reach", Category: command.Checks, SkipFlagParsing: true, ArgsUsage: "--principal ARN [options]",
				Usage: "tell what a user or a role may open",
				Description: `Tells on which targets a user or a role may start sessions, with which documents, by which
statements. The options and the exit codes are those of who.`,
			},
			Options: func() []command.Flag { return shown((&options{reach: true}).flags()) },
			Examples: []command.Example{
				{Line: "ssmguard reach --principal arn:aws:iam::111122223333:role/dev", Text: "ask AWS what a role may open"},
				{Line: "ssmguard reach --principal user/ann " + files + " --output csv", Text: "ask what the AWS CLI printed, for a spreadsheet"},
			},
			Run: func(ctx context.Context, p *env.Process, words []string) error {
				return run(ctx, p, words, options{reach: true})
			},
		},
	}
}

// group is the heading of the options that read files.
const group = "an account in files, as the AWS CLI prints it, without AWS; - is standard input"

// asked is the heading of the options that say what is asked.
const asked = "what is asked about an account"

// flags declares the options.
func (o *options) flags() []command.Flag {
	add := func(to *[]string) func(string) error {
		return func(v string) error {
			if v == "" {
				return errors.New("give a value")
			}
			*to = append(*to, v)
			return nil
		}
	}
	file := func(kind policy.Kind) func(string) error {
		return func(path string) error {
			o.scps = append(o.scps, policyfile.File{Kind: kind, Path: path})
			return nil
		}
	}
	principal := "ask about this user or role alone: an ARN, user/NAME or role/NAME"
	if o.reach {
		principal = "whom to ask about: an ARN, user/NAME or role/NAME"
	}
	return []command.Flag{
		{Name: "--target", Value: "TARGET", Group: asked, Many: true, Text: "an instance, a managed node or an ECS task: its id, its name or tag:KEY=VALUE; all without it", Set: add(&o.targets)},
		{Name: "--document-name", Value: "NAME", Group: asked, Many: true, Text: "a session document; all without it", Set: add(&o.documents)},
		{Name: "--principal", Value: "ARN", Many: true, Text: principal, Set: add(&o.principals)},
		{Name: "--denied", Group: asked, Text: "tell of denials, too", Set: command.Switch(&o.denied)},
		{Name: "--output", Choices: []string{"text", "json", "csv", "html"}, Group: asked, Default: "text", Text: "text, data or a page, on stdout", Set: command.Text(&o.output)},
		{Name: "--context", Value: "KEY=VALUE", Group: asked, Text: "state a condition key of all sessions, as for check", Set: func(v string) error {
			key, value, ok := strings.Cut(v, "=")
			if !ok || key == "" {
				return errors.New("want KEY=VALUE")
			}
			if o.context == nil {
				o.context = make(map[string][]string)
			}
			o.context[key] = append(o.context[key], value)
			return nil
		}},
		{Name: "--closed", Group: asked, Text: "take what is not stated or read for absent; without it, an answer that turns on it is undecided", Set: command.Switch(&o.closed)},
		{Name: "--account", Value: "FILE", Group: group, Many: true, Text: "what \"aws iam get-account-authorization-details\" prints", Set: add(&o.account)},
		{Name: "--instances", Value: "FILE", Group: group, Many: true, Text: "what \"aws ec2 describe-instances\" prints, or \"aws ssm describe-instance-information\"", Set: add(&o.instances)},
		{Name: "--documents", Value: "FILE", Group: group, Many: true, Text: "what \"aws ssm list-documents\" prints; AWS's own are known", Set: add(&o.listed)},
		{Name: "--scp", Value: "FILE", Group: group, Many: true, Text: "a service control policy of the organization", Set: file(policy.SCP)},
		{Name: "--rcp", Value: "FILE", Group: group, Many: true, Brief: true, Text: "a resource control policy of the organization, which bears on no session", Set: file(policy.RCP)},
		{Name: "--endpoint-policy", Value: "FILE", Group: group, Many: true, Brief: true, Text: "the policy of the VPC endpoint that is called", Set: file(policy.Endpoint)},
	}
}

// ofOneSession are options of start-session that say nothing of an account.
var ofOneSession = []string{"--parameters", "--reason", "--cli-input-json", "--cli-input-yaml"}

// shown are the options of a command: its own, and those of the AWS CLI that say whom to ask.
func shown(own []command.Flag) []command.Flag {
	flags := ask.AboutSession(own, "")
	for i := range flags {
		flags[i].Hidden = flags[i].Hidden || slices.Contains(ofOneSession, flags[i].Name)
	}
	return flags
}
