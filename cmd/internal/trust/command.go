package trust

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"ssmguard/cmd/internal/command"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/configs"
	"ssmguard/internal/safetext"
)

// options are the options of `ssmguard trust`.
type options struct{ yes, list, revoke bool }

func (o *options) flags() []command.Flag {
	return []command.Flag{
		{Name: "--yes", Short: "-y", Text: "trust what is shown without asking", Set: command.Switch(&o.yes)},
		{Name: "--list", Text: "list the files that are trusted", Set: command.Switch(&o.list)},
		{Name: "--revoke", Text: "trust nothing of the file any more", Set: command.Switch(&o.revoke)},
	}
}

// Command declares `ssmguard trust`.
func Command() *command.Command {
	return &command.Command{
		Command: cli.Command{
			Name: "trust", Category: command.Tunnels, SkipFlagParsing: true, ArgsUsage: "[FILE|DIRECTORY]",
			UsageText: "[FILE|DIRECTORY] [options]",
			Usage:     "show what a project's file would do, and trust it",
			Description: `Shows what a project's .ssmguard.yaml would do, and asks whether you trust it: where each
tunnel leads, with whose credentials, and what is told to the account. Without a file or
directory it is the one of the current directory or of the nearest one above. A command
that needs a tunnel which is not trusted asks the same on a terminal, and fails with exit
code 253 where there is none. What is trusted is asked about again when its ends, its
profile, region, reason or login change; comments, order and local ports do not count.
What "ssmguard tunnel add" writes is trusted. SSMGUARD_TRUST is a list of absolute paths,
of files or of directories with all below them, that are trusted as they are, as CI has
them.`,
		},
		Options: func() []command.Flag { return new(options).flags() },
		Likely:  []string{"allow", "untrust", "approve"},
		Examples: []command.Example{
			{Line: "ssmguard trust", Text: "see what the project's file here would do, and trust it"},
			{Line: "ssmguard trust --list", Text: "list the files that are trusted"},
			{Line: "ssmguard trust --revoke ~/src/shop", Text: "trust nothing of a project any more"},
		},
		Files: []command.File{{Name: "~/.local/state/ssmguard/trust.json", Text: "What is trusted of projects' files."}},
		Run:   run,
	}
}

// run runs the words after `trust`.
func run(ctx context.Context, p *env.Process, words []string) error {
	o := new(options)
	rest, err := command.Take(o.flags(), words, p.Getenv)
	if err != nil {
		return err
	}
	for _, word := range rest {
		if strings.HasPrefix(word, "-") {
			return exit.Usagef("%s", exit.UnknownOption(word, command.Names(o.flags()), fmt.Sprintf("; see %q", "ssmguard help trust")))
		}
	}
	if len(rest) > 1 || o.list && (len(rest) > 0 || o.revoke || o.yes) || o.revoke && o.yes {
		return exit.Usagef("trust takes one file or directory, and one of --yes, --list and --revoke; --list takes neither")
	}
	s, err := findStore(p)
	if err != nil {
		return err
	}
	if o.list {
		return s.list(p)
	}
	c, file, err := named(p, rest)
	switch {
	case o.revoke && file != "":
		return s.revoke(ctx, p, file)
	case err != nil:
		return err
	case c.Unused != nil:
		return exit.WithCode(c.Unused, exit.Config)
	}
	return o.trust(ctx, p, s, c)
}

// named returns the project's file that a command line names, and the configuration with
// it. The path is returned of a file that is gone, too.
func named(p *env.Process, words []string) (c configs.Config, file string, err error) {
	path, err := WorkingDir()
	if len(words) > 0 && (err == nil || filepath.IsAbs(words[0])) {
		path, err = filepath.Abs(words[0])
	}
	if err != nil {
		return c, "", exit.WithCode(err, exit.Config)
	}
	dir, isFile := path, filepath.Base(path) == configs.ProjectFile
	switch info, err := os.Stat(path); {
	case err == nil && info.IsDir():
	case err != nil && !isFile:
		return c, filepath.Join(path, configs.ProjectFile), exit.WithCode(err, exit.Config)
	case err != nil:
		return c, path, exit.WithCode(err, exit.Config)
	case !isFile:
		return c, "", exit.Usagef("%s: only files with the name %s are used", path, configs.ProjectFile)
	default:
		dir = filepath.Dir(path)
	}
	c, err = LoadConfig(p, dir)
	if err != nil {
		return c, "", err
	}
	if file = c.Project(); file == "" {
		err = exit.Coded(fmt.Sprintf("there is no %s in %s or above", configs.ProjectFile, dir), exit.Config)
	}
	return c, file, err
}

// trust shows the effects of a project's file, and trusts them if that is wanted.
func (o *options) trust(ctx context.Context, p *env.Process, s store, c configs.Config) error {
	for _, text := range c.Warnings(append(slices.Collect(maps.Keys(c.Tunnels)), slices.Collect(maps.Keys(c.Groups))...)...) {
		safetext.Fprintf(p.Notes(), "ssmguard: warning: %s\n", text)
	}
	effects, missing := c.Effects(), c.Untrusted()
	if _, err := safetext.Fprintf(p.Stdout, "%s\n", c.Project()); err != nil {
		return err
	}
	if err := show(p.Stdout, effects); err != nil {
		return err
	}
	switch {
	case len(missing) == 0:
		fmt.Fprintln(p.Notes(), "ssmguard: it is trusted already")
		return nil
	case len(missing) < len(effects):
		safetext.Fprintf(p.Notes(), "ssmguard: not trusted yet:\n")
		if err := show(p.Stderr, missing); err != nil {
			return err
		}
	}
	if !o.yes && (!env.IsTerminal(p.Stdin) || !p.ErrTerminal) {
		return exit.Coded("there is no terminal to ask on; --yes trusts what is shown", exit.Config)
	}
	var err error
	if o.yes {
		err = s.add(ctx, c.Project(), missing)
	} else {
		err = s.ask(ctx, p, c.Project(), missing)
	}
	if err == nil {
		fmt.Fprintln(p.Notes(), "ssmguard: trusted")
	}
	return err
}

// revoke trusts nothing of a file any more.
func (s store) revoke(ctx context.Context, p *env.Process, file string) error {
	found, err := s.remove(ctx, file)
	switch {
	case err != nil:
		return err
	case !found:
		safetext.Fprintf(p.Notes(), "ssmguard: nothing of %s was trusted\n", file)
	default:
		safetext.Fprintf(p.Notes(), "ssmguard: %s is not trusted any more\n", file)
	}
	if isListed(p.Getenv(Variable), file) {
		safetext.Fprintf(p.Notes(), "ssmguard: warning: %s trusts it all the same\n", Variable)
	}
	return nil
}

// list lists the files that are trusted, and whether they have changed.
func (s store) list(p *env.Process) error {
	files, err := s.read()
	if err != nil {
		return err
	}
	if len(files) == 0 {
		fmt.Fprintln(p.Notes(), "ssmguard: no file is trusted")
		return nil
	}
	t := tabwriter.NewWriter(p.Stdout, 0, 0, 2, ' ', 0)
	for _, file := range slices.Sorted(maps.Keys(files)) {
		safetext.Fprintf(t, "%s\t%s\t%s\n", files[file].At.Local().Format(time.DateOnly), state(p, file), file)
	}
	return t.Flush()
}

// state says in a word or two how much of a file is trusted now.
func state(p *env.Process, file string) string {
	if _, err := os.Stat(file); err != nil {
		return "gone"
	}
	c, err := LoadConfig(p, filepath.Dir(file))
	switch all, missing := c.Effects(), c.Untrusted(); {
	case err != nil || c.Unused != nil:
		return "not used"
	case len(missing) == 0:
		return "trusted"
	default:
		return fmt.Sprintf("%d of %d trusted", len(all)-len(missing), len(all))
	}
}
