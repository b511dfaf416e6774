package trust

import (
	"context"
	"io"

	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/configs"
	"ssmguard/internal/safetext"
)

// Ask shows on a terminal what a project's file would do, and remembers the answer yes.
// Any other answer is an error, and so is a missing terminal.
func Ask(ctx context.Context, p *env.Process, needed *configs.UntrustedError) error {
	s, err := findStore(p)
	if err == nil {
		_, err = s.read()
	}
	if err != nil {
		return err
	}
	if !p.CanConfirm() {
		return exit.Coded(needed.Error()+relativeListed(p.Getenv(Variable)), exit.Config)
	}
	safetext.Fprintf(p.Notes(), "ssmguard: you have not trusted this of %s:\n", needed.File)
	show(p.Stderr, needed.Effects) //nolint:errcheck // a terminal that has gone gives no answer
	return s.ask(ctx, p, needed.File, needed.Effects)
}

// show writes a line for each effect.
func show(w io.Writer, effects []configs.Effect) error {
	for _, e := range effects {
		if _, err := safetext.Fprintf(w, "  %s\n", e.Text); err != nil {
			return err
		}
	}
	return nil
}

// ask asks on a terminal whether effects of a file are trusted.
func (s store) ask(ctx context.Context, p *env.Process, file string, effects []configs.Effect) error {
	yes, err := p.Confirm(ctx, "trust it from now on?")
	switch {
	case err != nil:
		return err
	case !yes:
		return exit.Coded(file+" is not trusted", exit.Config)
	}
	return s.add(ctx, file, effects)
}

// Written trusts a tunnel that a command of ours has written into a project's file. What
// others wrote into the file's defaults has to be trusted first, since they are part of
// the tunnel.
func Written(ctx context.Context, p *env.Process, dir, name string) error {
	c, err := LoadConfig(p, dir)
	if err != nil || c.Project() == "" {
		return err
	}
	if _, err := c.OnTheSpot(); err != nil {
		return nil // asked about at the tunnel's first use
	}
	for _, e := range c.Untrusted() {
		if e.Name == name {
			s, err := findStore(p)
			if err != nil {
				return nil // asked about, too
			}
			return s.add(ctx, c.Project(), []configs.Effect{e})
		}
	}
	return nil
}
