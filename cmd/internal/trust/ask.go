package trust

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

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
	if !env.IsTerminal(p.Stdin) || !p.ErrTerminal {
		return exit.Coded(needed.Error()+relativeListed(p.Getenv(Variable)), exit.Config)
	}
	safetext.Fprintf(p.Stderr, "ssmguard: you have not trusted this of %s:\n", needed.File)
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
	safetext.Fprintf(p.Stderr, "ssmguard: trust it from now on? [y/N] ")
	answer, err := readLine(ctx, p.Stdin)
	if err != nil {
		fmt.Fprintln(p.Stderr)
		return err
	}
	if !slices.Contains([]string{"y", "yes"}, strings.ToLower(strings.TrimSpace(answer))) {
		return exit.Coded(file+" is not trusted", exit.Config)
	}
	return s.add(ctx, file, effects)
}

// readLine reads a line of a terminal. A read from a terminal ends with the line, so that
// what is typed after it is left for others.
func readLine(ctx context.Context, terminal io.Reader) (string, error) {
	type answer struct {
		text string
		err  error
	}
	read := make(chan answer, 1)
	go func() { // ends with the process if nobody answers
		line := make([]byte, 1024)
		n, err := terminal.Read(line)
		if n > 0 || err == io.EOF {
			err = nil
		}
		read <- answer{string(line[:n]), err}
	}()
	select {
	case a := <-read:
		return a.text, a.err
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
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
