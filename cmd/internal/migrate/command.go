package migrate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"ssmguard/cmd/internal/command"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/trust"
	"ssmguard/cmd/internal/tunnelfile"
	"ssmguard/configs"
	"ssmguard/internal/safetext"
)

// options are the options of `ssmguard import`.
type options struct {
	yes, project bool
	bastion      string
}

func (o *options) flags() []command.Flag {
	return []command.Flag{
		{Name: "--yes", Short: "-y", Text: "write what is shown without asking", Set: command.Switch(&o.yes)},
		{Name: "--project", Text: "write to .ssmguard.yaml in this directory instead of your own file", Set: command.Switch(&o.project)},
		{Name: "--target", Value: "TARGET", Text: "the bastion of connections whose tool finds it by itself", Set: command.Text(&o.bastion)},
	}
}

// Command declares `ssmguard import`.
func Command() *command.Command {
	return &command.Command{
		Command: cli.Command{
			Name: "import", Category: command.Tunnels, SkipFlagParsing: true, ArgsUsage: "[FILE...]",
			UsageText: "[FILE...] [options]",
			Usage:     "write tunnels that other tools have",
			Description: `Reads what other tools have of tunnels, shows what it would write into your file of
tunnels, and asks. It reads .basti.yaml of Basti, .ssm-session-client.yaml, the AWS CLI's
aliases in ~/.aws/cli/alias, and the lines of "aws ssm start-session" in the history of
bash, zsh and fish; or the files that are given: of any other name each is read as a
history, so that a script or a page of notes does, too. What is left out is named with
the reason; a tunnel that leads where another one does is not written twice.`,
		},
		Options: func() []command.Flag { return new(options).flags() },
		Words:   "FILE",
		Likely:  []string{"migrate", "convert"},
		Examples: []command.Example{
			{Line: "ssmguard import", Text: "see which tunnels other tools have, and write them"},
			{Line: "ssmguard import .basti.yaml --target tag:Name=bastion --project --yes", Text: "write those of one file into the project's"},
		},
		Run: run,
	}
}

// run runs the words after `import`.
func run(ctx context.Context, p *env.Process, words []string) error {
	o := new(options)
	files, err := command.Take(o.flags(), words, p.Getenv)
	if err != nil {
		return err
	}
	for _, word := range files {
		if strings.HasPrefix(word, "-") {
			return exit.Usagef("%s", exit.UnknownOption(word, command.Names(o.flags()), fmt.Sprintf("; see %q", "ssmguard help import")))
		}
	}
	return o.importFrom(ctx, p, files)
}

func (o *options) importFrom(ctx context.Context, p *env.Process, files []string) error {
	all, err := o.read(p, files)
	if err != nil {
		return err
	}
	a, err := tunnelfile.Propose(p, o.project)
	if err != nil {
		return err
	}
	known, err := trust.LoadConfigHere(p)
	if err != nil {
		return err
	}
	names := newNames(known)
	total := 0
	for _, f := range all {
		count := 0
		for _, t := range f.tunnels {
			t, write := names.settle(t)
			if !write {
				continue
			}
			if err := a.Add(p, t); err != nil {
				f.leave(t.Name, env.OneLine(err))
				continue
			}
			names.take(t)
			count++
		}
		total += count
		if count > 0 {
			safetext.Fprintf(p.Notes(), "ssmguard: of %s: %d\n", f.source, count)
		}
		for _, l := range f.left {
			safetext.Fprintf(p.Notes(), "ssmguard: left out of %s: %s: %s\n", f.source, l.name, l.why)
		}
	}
	switch {
	case total == 0 && names.there > 0:
		safetext.Fprintf(p.Notes(), "ssmguard: nothing is new: %d lead where tunnels of yours do\n", names.there)
		return nil
	case total == 0:
		return exit.Usagef("no tunnels were found; name a file, or write one with %q", "ssmguard tunnel add")
	}
	if err := a.Print(p); err != nil {
		return err
	}
	if !o.yes {
		if !p.CanConfirm() {
			safetext.Fprintf(p.Notes(), "ssmguard: not written to %s; give --yes\n", a.File())
			return nil
		}
		if yes, err := p.Confirm(ctx, "write them to "+safetext.Line(a.File())+"?"); err != nil || !yes {
			return err
		}
	}
	return a.Write(ctx, p)
}

// read reads the files, or all that there are.
func (o *options) read(p *env.Process, files []string) (all []found, err error) {
	if len(files) == 0 {
		all = append(all, aliases(p))
		for _, file := range places(p) {
			f, err := kindOf(file)(p, file, o.bastion)
			if err != nil { // the others may do
				f.leave("the file", env.OneLine(err))
			}
			all = append(all, f)
		}
		return all, nil
	}
	for _, file := range files {
		f, err := kindOf(file)(p, file, o.bastion)
		var path *fs.PathError
		switch {
		case errors.As(err, &path):
			return nil, exit.Coded(fmt.Sprintf("%s: %v", file, path.Err), exit.Config)
		case err != nil:
			return nil, exit.WithCode(err, exit.Config)
		}
		all = append(all, f)
	}
	return all, nil
}

// names are the names of tunnels, and where they lead.
type names struct {
	taken map[string]bool
	ends  []configs.Tunnel
	there int // how many were found that lead where one does already
}

func newNames(c configs.Config) *names {
	n := &names{taken: map[string]bool{}}
	for name, t := range c.Tunnels {
		n.taken[name] = true
		n.ends = append(n.ends, end(t))
	}
	for name := range c.Groups {
		n.taken[name] = true
	}
	return n
}

// end is where a tunnel leads, and from which local port.
func end(t configs.Tunnel) configs.Tunnel {
	local := t.LocalPort
	t = t.FarEnd()
	t.LocalPort = local
	return t
}

func (n *names) take(t configs.Tunnel) {
	n.taken[t.Name] = true
	n.ends = append(n.ends, end(t))
}

// settle gives a tunnel a name that is free. It reports false for one that leads where
// another does.
func (n *names) settle(t configs.Tunnel) (configs.Tunnel, bool) {
	if slices.Contains(n.ends, end(t)) {
		n.there++
		return t, false
	}
	name := t.Name
	if name == "" {
		name = nameOf(t)
	}
	name = valid(name)
	t.Name = name
	for i := 2; n.taken[t.Name]; i++ {
		t.Name = fmt.Sprintf("%s-%d", name, i)
	}
	return t, true
}

// nameOf makes a name of where a tunnel leads: the first label of a host's name, or the
// target and the port.
func nameOf(t configs.Tunnel) string {
	host, _, _ := strings.Cut(t.Host, ".")
	if strings.Trim(host, "0123456789") != "" && !strings.Contains(t.Host, ":") && host != "localhost" {
		return host
	}
	target := t.Target
	if _, value, tag := strings.Cut(target, "="); tag {
		target = value
	}
	return fmt.Sprintf("%s-%d", target, t.Port)
}

// valid makes a name of what may be none.
func valid(name string) string {
	name = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_.-", r) {
			return r
		}
		return '-'
	}, name)
	if name = strings.TrimLeft(name, ".-"); name == "" {
		return "tunnel"
	}
	return name
}
