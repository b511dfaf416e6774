package command

import (
	"context"
	"flag"
	"io"

	"github.com/urfave/cli/v2"
)

// Run runs a command of urfave/cli with the words after its name. It parses the options
// as they are applied to package flag, looks for the command below that the first other
// word names, and calls the Action; errors of parsing go to OnUsageError. It does what
// (*cli.App).Run does (TestJoin compares them), without what Join never declares: help,
// versions, required options, Before, After, completion. Two spellings of an option are
// the same option twice.
//
// urfave/cli's own Run reaches its help and thereby text/template, which calls methods by
// names that the linker cannot know: the linker would keep every exported method that an
// interface has room for, most of them the SDK's, and the program would be larger by a
// third. There is no build tag against it in v2 (v3.14 has one). So nothing here calls
// that Run, and help is written without templates.
func Run(ctx context.Context, c *cli.Command, words []string) error {
	set := flag.NewFlagSet(c.Name, flag.ContinueOnError)
	set.SetOutput(io.Discard)
	for _, f := range c.Flags {
		if err := f.Apply(set); err != nil {
			return err
		}
	}
	if c.SkipFlagParsing {
		words = append([]string{"--"}, words...)
	}
	parsed := cli.NewContext(nil, set, &cli.Context{Context: ctx})
	parsed.Command = c
	if err := set.Parse(words); err != nil {
		return c.OnUsageError(parsed, err, true)
	}
	for _, f := range c.Flags {
		if action, ok := f.(cli.ActionableFlag); ok && f.IsSet() {
			if err := action.RunAction(parsed); err != nil {
				return err
			}
		}
	}
	if below := c.Command(parsed.Args().First()); below != nil {
		return Run(ctx, below, parsed.Args().Tail())
	}
	return c.Action(parsed)
}
