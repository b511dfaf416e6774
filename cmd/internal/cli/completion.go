package cli

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/urfave/cli/v2"

	"ssmguard/cmd/internal/awscli"
	"ssmguard/cmd/internal/awsconf"
	"ssmguard/configs"
)

// shells are those that we have snippets for.
var shells = []string{"bash", "zsh", "fish", "powershell"}

func completionCommand(p *process) *cli.Command {
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
				return usagef("completion takes one shell: %s", strings.Join(shells, ", "))
			}
			text, err := configs.Completion(c.Args().First())
			if err != nil {
				return usagef("%v", err)
			}
			_, err = io.WriteString(p.stdout, text)
			return err
		},
	}
}

// completeCommand is what the snippets call: with the words before the cursor,
// the last one perhaps empty. It prints a candidate a line, a tab before what is
// said about it, and never fails.
func completeCommand(p *process) *cli.Command {
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
			for _, cand := range p.candidates(c.Context, c.App, before) {
				if !strings.HasPrefix(cand.value, last) || !plainWord().MatchString(cand.value) {
					continue
				}
				line := option + cand.value
				if cand.about != "" {
					line += "\t" + printableName(cand.about)
				}
				if _, err := fmt.Fprintln(p.stdout, line); err != nil {
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
var values = map[string]func(*process, context.Context, []string) []candidate{
	"--target":        (*process).targets,
	"--document-name": (*process).documents,
	"--rds":           (*process).databases,
	"--elasticache":   (*process).caches,
	"--profile": func(p *process, _ context.Context, _ []string) []candidate {
		return words(awsconf.Profiles(p.lookup)...)
	},
	"--region": func(*process, context.Context, []string) []candidate { return words(regions()...) },
	"--guard": func(*process, context.Context, []string) []candidate {
		return words(string(guardOn), string(guardWarn), string(guardStrict), string(guardOff))
	},
	"--engine": func(*process, context.Context, []string) []candidate { return words(enginePlugin, engineNative) },
	"--plugin": func(*process, context.Context, []string) []candidate { return words(embeddedPlugin) },
	"--output": func(*process, context.Context, []string) []candidate { return words("text", "json") },
	"--world":  worldNames,
}

// candidates are what may follow the words of a command line.
func (p *process) candidates(ctx context.Context, app *cli.App, before []string) []candidate {
	if len(before) == 0 {
		var cs []candidate
		for _, c := range app.VisibleCommands() {
			cs = append(cs, candidate{c.Name, c.Usage})
		}
		return cs
	}
	if find, ok := values[before[len(before)-1]]; ok {
		return find(p, ctx, before)
	}
	command, rest := before[0], before[1:]
	if command == "aws" {
		rest = withoutOptions(rest)
	}
	switch {
	case command == "tunnel":
		return p.tunnelCandidates(rest)
	case command == "help" && len(rest) == 0:
		return p.candidates(ctx, app, nil)
	case (command == "completion" || command == "alias") && len(rest) == 0:
		return append(words(shells...), flagsOf(app, command)...)
	case command == "aws" && len(rest) == 0:
		return append(words("ssm", "ecs"), words(awscli.Flags("", "")...)...)
	case len(rest) == 0 && (command == "ssm" || command == "ecs"):
		return words(operationOf[command])
	case command == "aws" && len(rest) == 1 && operationOf[rest[0]] != "":
		return words(operationOf[rest[0]])
	case command == "ssh-proxy" && len(rest) == 0:
		return p.targets(ctx, before)
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
		return policyFlags()
	case "alias":
		return aliasFlags()
	case "ssh-proxy":
		return sshFlags()
	case "check":
		return checkFlags()
	case "ecs":
		return sessionFlags("ecs")
	}
	return sessionFlags("ssm")
}

// regions are the regions of the partition aws, with those that have to be
// enabled first.
var regions = sync.OnceValue(func() []string {
	all := strings.Fields(`us-east-1 us-east-2 us-west-1 us-west-2 af-south-1 ap-east-1 ap-east-2 ap-northeast-1 ap-northeast-2
		ap-northeast-3 ap-south-1 ap-south-2 ap-southeast-1 ap-southeast-2 ap-southeast-3 ap-southeast-4 ap-southeast-5
		ap-southeast-6 ap-southeast-7 ca-central-1 ca-west-1 eu-central-1 eu-central-2 eu-north-1 eu-south-1 eu-south-2
		eu-west-1 eu-west-2 eu-west-3 il-central-1 me-central-1 me-south-1 mx-central-1 sa-east-1
		us-gov-east-1 us-gov-west-1 cn-north-1 cn-northwest-1`)
	slices.Sort(all)
	return all
})
