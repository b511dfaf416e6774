package check

import (
	"context"

	"github.com/urfave/cli/v2"

	"ssmguard/cmd/internal/ask"
	"ssmguard/cmd/internal/command"
	"ssmguard/cmd/internal/env"
)

// Commands declares the commands that ask, and start nothing.
func Commands() []*command.Command {
	eval := new(evalOptions)
	return []*command.Command{
		{
			Command: cli.Command{
				Name: "check", Category: command.Checks, SkipFlagParsing: true, ArgsUsage: "--target TARGET [options]",
				Usage: "check only, start nothing",
				Description: `Asks whether a session would be allowed, and by what, or what is missing. The session is
given as for start-session. With --policy it asks about policies in files, and nobody
else. Exit codes: 0 allowed, 3 denied, 4 undecided, others as for a session.`,
			},
			Options: func() []command.Flag {
				return ask.AboutSession(new(fileOptions).flags(), "--no-cache", "--timings")
			},
			Likely: []string{"test", "whatif", "simulate"},
			Examples: []command.Example{
				{Line: "ssmguard check --target bastion --document-name AWS-StartSSHSession", Text: "ask whether an ssh session would be allowed"},
				{Line: "ssmguard check --policy policy.json --target i-0123456789abcdef0 --target-tag Name=bastion --expect allow", Text: "check a policy that is in no account yet, for CI"},
				{Line: "ssmguard check --matrix --example > matrix.yaml", Text: "begin a file of many requests, each with what is expected of it"},
				{Line: "ssmguard check --target bastion --output ask --save-case case.json", Text: "a message to whoever can help, and a case that opens elsewhere"},
				{Line: "ssmguard check --policy policy.json --target i-0123456789abcdef0 --principal arn:aws:iam::111122223333:role/dev --fix", Text: "write the proven repair into the file"},
			},
			Run: ask.Targeted("check", Run),
		},
		{
			Command: cli.Command{
				Name: "prove", Category: command.Checks, SkipFlagParsing: true, ArgsUsage: "--expect allow|deny [options]",
				Usage: "prove something of all sessions at once",
				Description: `Proves that every session of a kind is allowed, or denied, or finds one that is not: what
the options leave out ranges over everything, be it targets, their tags, documents, regions,
callers or what else conditions ask about. With --policy it asks about policies in files,
else about your own in the account. Exit codes: 0 proven, 3 with a counterexample, 4 not
decided, and what stands in the way.`,
			},
			Options: func() []command.Flag {
				return ask.AboutSession(new(proveOptions).flags(), "--no-cache")
			},
			Likely: []string{"verify", "always", "never"},
			Examples: []command.Example{
				{Line: "ssmguard prove --policy p.json --document-name SSM-SessionManagerRunShell --where Environment=prod --expect deny", Text: "no shell in production, whoever calls, whatever else is so"},
				{Line: "ssmguard prove --policy p.json --target-kind instance --where-not Team=web --expect deny", Text: "no session on instances of other teams"},
				{Line: "ssmguard prove --no-more-than old.json new.json", Text: "a changed policy allows no session that the old one did not, for pull requests"},
			},
			Run: Prove,
		},
		{
			Command: cli.Command{
				Name: "policy", Category: command.Checks, SkipFlagParsing: true, ArgsUsage: "--target TARGET [options]",
				Usage: "print the smallest policy that allows a session",
				Description: `Prints, on stdout, the smallest identity policy that lets a session through and its own
session be resumed and ended. It starts nothing.`,
			},
			Options: func() []command.Flag { return ask.AboutSession(new(policyOptions).flags(), "--no-cache") },
			Examples: []command.Example{
				{Line: "ssmguard policy --target bastion --document-name AWS-StartSSHSession", Text: "the policy that you need for an ssh session"},
				{Line: "ssmguard policy --target i-0123456789abcdef0 --region eu-west-1 --principal arn:aws:iam::111122223333:role/dev --format terraform",
					Text: "the policy that somebody else needs, for Terraform, without asking AWS"},
			},
			Run: ask.Targeted("policy", Policy),
		},
		{
			Command: cli.Command{
				Name: "explain", Category: command.Checks, SkipFlagParsing: true, ArgsUsage: "[--output json] [CODE | MESSAGE | < FILE]",
				Usage: "tell more about a finding, or what AWS's error message means",
				Description: `Prints the page of a finding, or reads what was pasted of AWS, the AWS CLI, an SDK, Terraform,
the session-manager plugin or the agent, and says what each message in it means: who was
refused what by which policy, or what else is wrong. Encoded messages are decoded by AWS,
where the caller may. Without either it lists all findings.`,
			},
			Run:     runExplain,
			Words:   "CODE",
			Options: func() []command.Flag { return new(explainOptions).flags() },
			Examples: []command.Example{
				{Line: "ssmguard explain SG101", Text: "what a finding means"},
				{Line: "aws s3 ls 2>&1 | ssmguard explain", Text: "what a refusal of AWS means"},
				{Line: "terraform apply 2>&1 | ssmguard explain --output json", Text: "every refusal in a log, for programs"},
			},
		},
		{
			Command: cli.Command{
				Name: "eval", Category: command.Checks, ArgsUsage: "[--stats] < CASES",
				Usage: "decide evaluation cases read from stdin",
				Description: `Reads evaluation cases from stdin, one JSON object a line, and writes one decision a
line to stdout: {"id", "decision", "matched", "error"}. The decision is allowed,
explicitDeny, implicitDeny, unknown or error; a bad case is an error and the next one is
read. It speaks to nobody and needs no credentials.`,
			},
			Run: func(ctx context.Context, p *env.Process, _ []string) error { return runEval(ctx, p, *eval) },
			Options: func() []command.Flag {
				return []command.Flag{{Name: "--stats", Text: "print the cases per second on stderr", Set: command.Switch(&eval.Stats)}}
			},
			Examples: []command.Example{{Line: "ssmguard eval --stats < cases.jsonl", Text: "decide cases, and say how fast it was"}},
		},
	}
}
