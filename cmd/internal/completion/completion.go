package completion

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/urfave/cli/v2"

	"ssmguard/cmd/internal/alias"
	"ssmguard/cmd/internal/ask"
	"ssmguard/cmd/internal/awscli"
	"ssmguard/cmd/internal/awsconf"
	"ssmguard/cmd/internal/check"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/session"
	"ssmguard/configs"
)

// shells are those that we have snippets for.
var shells = []string{"bash", "zsh", "fish", "powershell"}

// Command is `ssmguard completion`.
func Command(p *env.Process) *cli.Command {
	return &cli.Command{
		Name:      "completion",
		Usage:     "print what makes a shell complete our command lines",
		UsageText: "ssmguard completion bash|zsh|fish|powershell",
		Description: `Prints a snippet for a shell's start file. It completes commands, options,
profiles, regions, and the targets and documents of the account.

  bash        source <(ssmguard completion bash)
  zsh         source <(ssmguard completion zsh)
  fish        ssmguard completion fish | source
  powershell  ssmguard completion powershell | Out-String | Invoke-Expression`,
		Action: func(c *cli.Context) error {
			if c.Args().Len() != 1 {
				return exit.Usagef("completion takes one shell: %s", strings.Join(shells, ", "))
			}
			text, err := configs.Completion(c.Args().First())
			if err != nil {
				return exit.Usagef("%v", err)
			}
			_, err = io.WriteString(p.Stdout, text)
			return err
		},
	}
}

// Complete is what the snippets call: with the words before the cursor,
// the last one perhaps empty. It prints a candidate a line, a tab before what is
// said about it, and never fails.
func Complete(p *env.Process) *cli.Command {
	return &cli.Command{
		Name: "__complete", Hidden: true, SkipFlagParsing: true, HideHelp: true,
		Action: func(c *cli.Context) error {
			words := c.Args().Slice()
			if len(words) == 0 {
				return nil
			}
			before, last := words[:len(words)-1], strings.TrimSpace(words[len(words)-1])
			// A value in one word with its option is found as the next word would be.
			option := ""
			if name, value, ok := strings.Cut(last, "="); ok && values[name] != nil {
				option, last, before = name+"=", value, append(slices.Clone(before), name)
			}
			for _, cand := range candidates(c.Context, p, c.App, before) {
				if !strings.HasPrefix(cand.value, last) || !plainWord().MatchString(cand.value) {
					continue
				}
				line := option + cand.value
				if cand.about != "" {
					line += "\t" + env.Printable(cand.about)
				}
				if _, err := fmt.Fprintln(p.Stdout, line); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// plainWord is what no shell needs quotes for.
var plainWord = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_./:@%+=,-]+$`) })

// candidate is one way to go on, and what is said about it.
type candidate struct{ value, about string }

func words(values ...string) []candidate {
	cs := make([]candidate, len(values))
	for i, v := range values {
		cs[i].value = v
	}
	return cs
}

// values are the candidates for the word after an option.
var values = map[string]func(context.Context, *env.Process, []string) []candidate{
	"--target":        targets,
	"--document-name": documents,
	"--rds":           databases,
	"--elasticache":   caches,
	"--profile": func(_ context.Context, p *env.Process, _ []string) []candidate {
		return words(p.AWSFiles().Profiles()...)
	},
	"--region": func(context.Context, *env.Process, []string) []candidate { return words(awsconf.Regions()...) },
	"--guard": func(context.Context, *env.Process, []string) []candidate {
		return words(string(ask.GuardOn), string(ask.GuardWarn), string(ask.GuardStrict), string(ask.GuardOff))
	},
	"--engine": func(context.Context, *env.Process, []string) []candidate {
		return words(ask.EnginePlugin, ask.EngineNative)
	},
	"--plugin": func(context.Context, *env.Process, []string) []candidate { return words(ask.EmbeddedPlugin) },
	"--output": func(context.Context, *env.Process, []string) []candidate { return words("text", "json") },
	"--world":  worldNames,
}

// candidates are what may follow the words of a command line.
func candidates(ctx context.Context, p *env.Process, app *cli.App, before []string) []candidate {
	if len(before) == 0 {
		var cs []candidate
		for _, c := range app.VisibleCommands() {
			cs = append(cs, candidate{c.Name, c.Usage})
		}
		return cs
	}
	if find, ok := values[before[len(before)-1]]; ok {
		return find(ctx, p, before)
	}
	command, rest := before[0], before[1:]
	if command == "aws" {
		rest = withoutOptions(rest)
	}
	switch {
	case command == "tunnel":
		return tunnelCandidates(p, rest)
	case command == "help" && len(rest) == 0:
		return candidates(ctx, p, app, nil)
	case (command == "completion" || command == "alias") && len(rest) == 0:
		return append(words(shells...), flagsOf(app, command)...)
	case command == "aws" && len(rest) == 0:
		return append(words("ssm", "ecs"), words(awscli.Flags("", "")...)...)
	case len(rest) == 0 && (command == "ssm" || command == "ecs"):
		return words(ask.OperationOf[command])
	case command == "aws" && len(rest) == 1 && ask.OperationOf[rest[0]] != "":
		return words(ask.OperationOf[rest[0]])
	case command == "ssh-proxy" && len(rest) == 0:
		return targets(ctx, p, before)
	}
	return flagsOf(app, command)
}

// flagsOf are the options of a command.
func flagsOf(app *cli.App, command string) []candidate {
	var cs []candidate
	if c := app.Command(command); c != nil && !c.SkipFlagParsing {
		for _, f := range c.VisibleFlags() {
			cs = append(cs, words("--"+f.Names()[0])...)
		}
		return cs
	}
	return words(wordFlags(command)...)
}

// wordFlags are the options of a command that follows the AWS CLI's grammar.
func wordFlags(command string) []string {
	switch command {
	case "policy":
		return check.PolicyFlags()
	case "alias":
		return alias.Flags()
	case "ssh-proxy":
		return session.SSHFlags()
	case "check":
		return check.Flags()
	case "ecs":
		return ask.SessionFlags("ecs")
	}
	return ask.SessionFlags("ssm")
}
