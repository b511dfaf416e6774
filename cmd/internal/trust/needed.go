package trust

import (
	"context"
	"errors"

	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/configs"
	"ssmguard/internal/safetext"
)

// LoadNeeded reads the configuration for a command that names tunnels, or describes one
// on the command line. It fails when the command needs a project's file that is not
// used, and otherwise warns of it. What is not trusted of a project's file is asked about.
func LoadNeeded(ctx context.Context, p *env.Process, onTheSpot bool, names ...string) (configs.Config, error) {
	dir, err := WorkingDir()
	if err != nil {
		return configs.Config{}, err
	}
	c, err := LoadNeededIn(ctx, p, dir, onTheSpot, names...)
	if err == nil {
		WarnOf(p, c, names)
	}
	return c, err
}

// LoadNeededIn is LoadNeeded for a command in a directory, without the warnings.
func LoadNeededIn(ctx context.Context, p *env.Process, dir string, onTheSpot bool, names ...string) (configs.Config, error) {
	c, err := LoadConfig(p, dir)
	if err != nil {
		return c, err
	}
	_, err = c.Select(names...)
	var untrusted *configs.UntrustedError
	if onTheSpot && (len(names) == 0 || err != nil && !errors.As(err, &untrusted)) {
		_, err = c.OnTheSpot()
	}
	switch {
	case errors.As(err, &untrusted):
		if err := Ask(ctx, p, untrusted); err != nil {
			return c, err
		}
		return LoadNeededIn(ctx, p, dir, onTheSpot, names...) // the file may be another one by now
	case exit.As[*configs.UnusedError](err):
		return c, exit.WithCode(err, exit.Config)
	}
	return c, nil
}

// IsConfigured reports whether a tunnel or a group of the configuration, trusted or not, has
// a name.
func IsConfigured(p *env.Process, name string) bool {
	c, err := LoadConfigHere(p)
	if err != nil {
		return false
	}
	_, isTunnel := c.Tunnels[name]
	_, isGroup := c.Groups[name]
	return isTunnel || isGroup
}

// WarnOf warns of a project's file that is not used, wholly or in part.
func WarnOf(p *env.Process, c configs.Config, names []string) {
	for _, text := range c.Warnings(names...) {
		safetext.Fprintf(p.Notes(), "ssmguard: warning: %s\n", text)
	}
}
