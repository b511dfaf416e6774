package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/internal/safetext"
	"ssmguard/internal/spelling"
)

// The groups in the list of commands.
const (
	Sessions = "sessions"
	Tunnels  = "tunnels"
	Checks   = "permissions"
	Trying   = "trying it out, without AWS"
	Setup    = "setup"
)

// Groups are the groups of commands in the order of the help: urfave/cli sorts its
// categories by name.
var Groups = []string{Sessions, Tunnels, Checks, Trying, Setup}

// Command declares a command. Of cli.Command it sets Name, Usage (a line), ArgsUsage
// (what follows the name), UsageText (the same, longer), Description, Category (one of Groups, for a command that
// stands below no other), and SkipFlagParsing where urfave/cli cannot parse the words:
// those of the AWS CLI's grammar, those that have options behind their words, and words that
// may begin with dashes. The fields here are for what urfave/cli has no place for.
type Command struct {
	cli.Command
	// Options returns new options. It is called only to parse, show or suggest options, so
	// that a session starts faster.
	Options  func() []Flag
	Examples []Example
	Words    string     // the words after the command, for completion: "TARGET", or a|b|c; "" for none
	Likely   []string   // other names for such a command, for suggestions
	Verbs    []*Command // the commands below it
	Files    []File     // the files that it reads or writes, for the man page
	AWSVoice bool       // errors have the AWS CLI's wording
	AWSHelp  bool       // --help has the AWS CLI's wording
	Run      Runner
	// Meant returns what the error for words that name no command below this one suggests,
	// such as the command line that was most likely meant; "" or nil for no suggestion. It is
	// asked if no command is spelled alike.
	Meant func(p *env.Process, words []string) string

	path string
}

// Runner runs a command with the words after it, options included where urfave/cli does
// not parse them.
type Runner func(ctx context.Context, p *env.Process, words []string) error

// Example is a command line and what it does.
type Example struct{ Line, Text string }

// File is a file and its purpose.
type File struct{ Name, Text string }

// ErrHelp is returned for the word help, which the AWS CLI accepts in place of --help.
var ErrHelp = errors.New("help wanted")

// Flags returns the options of a command.
func (c *Command) Flags() []Flag {
	if c.Options == nil {
		return nil
	}
	return c.Options()
}

// Below returns the command that words name, beginning below c, and the words after it.
func (c *Command) Below(words []string) (found *Command, rest []string) {
	for len(words) > 0 {
		at := slices.IndexFunc(c.Verbs, func(v *Command) bool { return v.Name == words[0] })
		if at < 0 {
			break
		}
		c, words = c.Verbs[at], words[1:]
	}
	return c, words
}

// Path returns the words of the command, such as "tunnel up", after Join.
func (c *Command) Path() string { return c.path }

// Join makes urfave/cli's command of a declaration and of the commands below it. above
// are the words before the command, and page shows a command's help.
func (c *Command) Join(p *env.Process, above string, page func(*Command) error) *cli.Command {
	c.path = strings.TrimSpace(above + " " + c.Name)
	// Help is ours, see Run. Package flag returns flag.ErrHelp for a --help that is not
	// declared.
	c.HideHelp = true
	c.OnUsageError = func(_ *cli.Context, err error, _ bool) error {
		if errors.Is(err, flag.ErrHelp) {
			return page(c)
		}
		return c.usageError(err)
	}
	for _, v := range c.Verbs {
		c.Subcommands = append(c.Subcommands, v.Join(p, c.path, page))
	}
	if c.Verbs != nil {
		c.SkipFlagParsing, c.Run = true, c.runVerbs
	}
	if !c.SkipFlagParsing {
		flags := c.Flags()
		for i := range flags {
			c.Command.Flags = append(c.Command.Flags, &flags[i])
		}
	}
	c.Action = func(ctx *cli.Context) error {
		words := ctx.Args().Slice()
		switch {
		case !c.SkipFlagParsing && c.Words == "" && len(words) > 0:
			return exit.Usagef("unknown word: %s; see %q", safetext.Line(words[0]), "ssmguard help "+c.path)
		case c.SkipFlagParsing && !c.AWSHelp && wantsHelp(words):
			return page(c)
		}
		err := c.Run(ctx.Context, p, words)
		switch {
		case errors.Is(err, ErrHelp):
			return page(c)
		case c.AWSVoice:
			return err
		}
		return exit.OwnVoice(c.path, err, func() []string { return Names(c.Flags()) })
	}
	return &c.Command
}

// runVerbs runs a command that only groups others. urfave/cli calls it when no command
// below matches.
func (c *Command) runVerbs(_ context.Context, p *env.Process, words []string) error {
	if len(words) == 0 || words[0] == "help" {
		return ErrHelp
	}
	return UnknownWords(p, c, words)
}

// UnknownWords is the error for words that name no command below another: with a name that
// is spelled alike, or with what Meant suggests.
func UnknownWords(p *env.Process, above *Command, words []string) error {
	if above.Meant != nil && Nearest(words[0], above.Verbs) == "" {
		if meant := above.Meant(p, words); meant != "" {
			return exit.Usagef("unknown command: %s; %s", strings.TrimSpace(above.path+" "+safetext.Line(words[0])), meant)
		}
	}
	return Unknown(above.path, words[0], above.Verbs)
}

// usageError turns an error of package flag into our wording.
func (c *Command) usageError(err error) error {
	message, see := err.Error(), fmt.Sprintf("; see %q", "ssmguard help "+c.path)
	for _, form := range []struct {
		theirs string
		ours   func(option string) string
	}{
		{"flag provided but not defined: ", func(o string) string { return exit.UnknownOption(o, Names(c.Flags()), see) }},
		{"flag needs an argument: ", func(o string) string { return o + " needs a value" }},
	} {
		if option, ok := strings.CutPrefix(message, form.theirs); ok {
			if len(option) > 2 {
				option = "-" + option
			}
			return exit.Usagef("%s", form.ours(option))
		}
	}
	return exit.Usagef("%s%s", message, see)
}

// wantsHelp reports whether a command line has --help or -h before "--", or help as its
// only word.
func wantsHelp(words []string) bool {
	if len(words) == 1 && words[0] == "help" {
		return true
	}
	if i := slices.Index(words, "--"); i >= 0 {
		words = words[:i]
	}
	return slices.Contains(words, "--help") || slices.Contains(words, "-h")
}

// Nearest returns the name of the command most like a word: by spelling, by another
// name for it, or by its beginning; "" if there is none. urfave/cli would suggest a
// command for any word.
func Nearest(word string, commands []*Command) string {
	var names []string
	for _, c := range commands {
		if slices.Contains(c.Likely, word) {
			return c.Name
		}
		if !c.Hidden {
			names = append(names, c.Name)
		}
	}
	if near := spelling.Nearest(word, names); near != "" {
		return near
	}
	at := slices.IndexFunc(names, func(name string) bool { return len(word) > 2 && strings.HasPrefix(name, word) })
	if at < 0 {
		return ""
	}
	return names[at]
}

// Unknown is the error for an unknown command below the words of above, with a
// suggestion.
func Unknown(above, word string, commands []*Command) error {
	typed, known := strings.TrimSpace(above+" "+safetext.Line(word)), strings.TrimSpace("ssmguard help "+above)
	if near := Nearest(word, commands); near != "" {
		return exit.Usagef("unknown command: %s; did you mean %q?", typed, strings.Join(strings.Fields("ssmguard "+above+" "+near), " "))
	}
	return exit.Usagef("unknown command: %s; see %q", typed, known)
}
