package completion

import (
	"context"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/urfave/cli/v2"

	"ssmguard/cmd/internal/alias"
	"ssmguard/cmd/internal/ask"
	"ssmguard/cmd/internal/command"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/tunnel"
	"ssmguard/configs"
	"ssmguard/guard"
	"ssmguard/internal/safetext"
)

// Commands declares `ssmguard completion` and the hidden command that its snippets
// call. all returns every command.
func Commands(all func() []*command.Command) []*command.Command {
	shells := alias.Shells
	return []*command.Command{
		{
			Command: cli.Command{
				Name: "completion", Category: command.Setup, ArgsUsage: strings.Join(shells, "|"),
				Usage: "print what makes a shell complete our command lines",
				Description: `Prints a snippet for a shell's start file. It completes commands, options and their
values: profiles, regions, and the targets and documents of the account.`,
			},
			Run: func(_ context.Context, p *env.Process, words []string) error {
				if len(words) != 1 {
					return exit.Usagef("completion takes one shell: %s", strings.Join(shells, ", "))
				}
				text, err := configs.Completion(words[0])
				if err != nil {
					return exit.Usagef("%v", err)
				}
				_, err = io.WriteString(p.Stdout, text)
				return err
			},
			Words: strings.Join(shells, "|"),
			Examples: []command.Example{
				{Line: "eval \"$(ssmguard completion bash)\"", Text: "the tab key in bash, from ~/.bashrc"},
				{Line: "source <(ssmguard completion zsh)", Text: "in zsh, from ~/.zshrc"},
				{Line: "ssmguard completion fish | source", Text: "in fish, from ~/.config/fish/config.fish"},
				{Line: "ssmguard completion powershell | Out-String | Invoke-Expression", Text: "in PowerShell, from $PROFILE"},
			},
		},
		{
			Command: cli.Command{Name: "__complete", Hidden: true, SkipFlagParsing: true},
			AWSHelp: true,
			Run: func(ctx context.Context, p *env.Process, words []string) error {
				return complete(ctx, p, &command.Command{Verbs: all()}, words)
			},
		},
	}
}

// complete answers the snippets, which call it with the words before the cursor; the
// last word may be empty. It prints one candidate a line, with a tab before its
// description, and never fails. urfave/cli's own completion reads os.Args and completes
// no values.
func complete(ctx context.Context, p *env.Process, all *command.Command, typed []string) error {
	if len(typed) == 0 {
		return nil
	}
	before, last := typed[:len(typed)-1], strings.TrimSpace(typed[len(typed)-1])
	l := newLine(all, before)
	// A value in one word with its option is completed as the next word would be.
	option := ""
	if name, value, ok := strings.Cut(last, "="); ok && strings.HasPrefix(name, "--") {
		option, last, l = name+"=", value, newLine(all, append(slices.Clone(before), name))
	}
	for _, cand := range l.candidates(ctx, p, last, option != "") {
		if !strings.HasPrefix(cand.value, last) || !plainWord().MatchString(cand.value) {
			continue
		}
		tab := ""
		if cand.about != "" {
			tab = "\t"
		}
		if _, err := safetext.Fprintf(p.Stdout, "%s%s%s%s\n", option, cand.value, safetext.Own(tab), cand.about); err != nil {
			return err
		}
	}
	return nil
}

// plainWord matches words that need no quotes in any shell.
var plainWord = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_./:@%+=,-]+$`) })

// candidate is a possible next word and its description.
type candidate struct{ value, about string }

func words(values ...string) []candidate {
	cs := make([]candidate, len(values))
	for i, v := range values {
		cs[i].value = v
	}
	return cs
}

// line is the parsed command line before the cursor.
type line struct {
	typed   []string
	all     *command.Command
	command *command.Command // the command of the words
	words   []string         // the words after the command, without options and their values
	flags   []command.Flag   // the command's options
	option  *command.Flag    // the last word, if it is an option with a value
	beyond  bool             // the words after "--", another program's command line
}

func newLine(all *command.Command, typed []string) *line {
	l := &line{typed: typed, all: all}
	var rest []string
	l.command, rest = all.Below(typed)
	l.flags = l.command.Flags()
	for i := 0; i < len(rest); i++ {
		if rest[i] == "--" {
			l.beyond = true
			return l
		}
		name, _, whole := strings.Cut(rest[i], "=")
		at := slices.IndexFunc(l.flags, func(f command.Flag) bool { return f.Is(name) })
		switch {
		case at < 0 && !strings.HasPrefix(name, "-"):
			l.words = append(l.words, rest[i])
		case at < 0 || whole || !l.flags[at].TakesValue():
		case i+1 == len(rest):
			l.option = &l.flags[at]
		default:
			i++
		}
	}
	return l
}

// candidates returns the possible next words: a value for the option before the cursor,
// or a word, or an option. Options are offered for a word that begins with a dash, and
// where there are no words: twenty options would hide five tunnels.
func (l *line) candidates(ctx context.Context, p *env.Process, last string, value bool) []candidate {
	switch {
	case l.option != nil && l.option.Choices != nil:
		return words(l.option.Choices...)
	case l.option != nil:
		return l.values(ctx, p, l.option.Value)
	case l.beyond || value:
		return nil
	}
	cs := verbs(l.command)
	if len(l.words) == 0 || slices.Contains([]string{tunnel.Configured, tunnel.Running, tunnel.ServiceWords, "SERVICE", "TOPIC"}, l.command.Words) {
		cs = append(cs, l.values(ctx, p, l.command.Words)...)
	}
	cs = slices.DeleteFunc(cs, func(c candidate) bool { return c.value == "" || slices.Contains(l.words, c.value) })
	if len(cs) == 0 || strings.HasPrefix(last, "-") {
		cs = append(cs, words(command.Names(slices.DeleteFunc(l.flags, func(f command.Flag) bool { return f.Hidden }))...)...)
	}
	return cs
}

// verbs are the commands below a command.
func verbs(c *command.Command) (cs []candidate) {
	for _, v := range c.Verbs {
		if !v.Hidden {
			cs = append(cs, candidate{v.Name, v.Usage})
		}
	}
	return cs
}

// values returns the possible values, by the name of the value in the help.
func (l *line) values(ctx context.Context, p *env.Process, name string) []candidate {
	switch name {
	case "TARGET":
		return targets(ctx, p, l.typed)
	case "DOCUMENT":
		return documents(ctx, p, l.typed)
	case "DATABASE":
		return databases(ctx, p, l.typed)
	case "CACHE":
		return caches(ctx, p, l.typed)
	case "PROFILE":
		return words(p.AWSFiles().Profiles()...)
	case "REGION":
		return words(guard.PublicRegions()...)
	case "PLUGIN":
		return words(ask.EmbeddedPlugin, ask.AutoPlugin)
	case "WORLD":
		return worldNames()
	case "CODE":
		return codes()
	case "TOPIC":
		under, _ := l.all.Below(l.words)
		return verbs(under)
	case tunnel.Configured, tunnel.OneTunnel, tunnel.Running:
		return tunnelNames(p, name)
	case tunnel.ServiceWords:
		if len(l.words) == 0 {
			return words("install", "remove")
		}
		return tunnelNames(p, tunnel.Configured)
	case "SERVICE":
		if len(l.words) == 0 {
			return words(slices.Sorted(maps.Keys(ask.OperationOf))...)
		}
		return words(ask.OperationOf[l.words[0]])
	}
	if strings.ToUpper(name) == name { // a value that cannot be completed
		return nil
	}
	return words(strings.Split(name, "|")...)
}
