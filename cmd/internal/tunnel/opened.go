package tunnel

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"ssmguard/cmd/internal/database"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/keeper"
	"ssmguard/cmd/internal/trust"
	"ssmguard/configs"
	"ssmguard/internal/safetext"
	"ssmguard/proxy"
)

// known returns what is known of a tunnel's far end.
func (f far) known(getenv func(string) string) *keeper.Far {
	c, e := f.conf, f.endpoint
	engine := f.engine()
	c.Profile, c.Region = keeper.Whose(c, getenv)
	return &keeper.Far{
		Target: c.Target, Host: c.Host, Port: c.Port, RDS: c.RDS, ElastiCache: c.ElastiCache, Reader: c.Reader, Profile: c.Profile, Region: c.Region,
		Engine: engine.Name, Called: e.Engine, User: cmp.Or(c.User, e.User), Database: cmp.Or(c.Database, e.Database),
		IAMAuth: c.IAMAuth || e.IAMAuth, TLS: e.TLS || engine.TLS, Shards: e.Shards,
	}
}

// engine returns the engine at a tunnel's far end, as far as it is known.
func (f far) engine() database.Engine {
	return database.Of(database.Facts{Asked: f.conf.DBEngine, AWS: f.endpoint.Engine, Host: f.conf.Host, Port: f.conf.Port})
}

// isOpen returns the open tunnel that is the configured one: it has its name, leads to
// where it does, and was opened by the same profile and region.
func isOpen(rows []keeper.Status, conf configs.Tunnel, getenv func(string) string) (keeper.Status, bool) {
	profile, region := keeper.Whose(conf, getenv)
	for _, s := range rows {
		if s.Tunnel != conf.Name || s.Far.Profile != profile || s.Far.Region != region {
			continue
		}
		if conf.Target == anyTarget || conf.Target == "" {
			conf.Target = s.Far.Target
		}
		if s.Leads == conf.Leads() {
			return s, true
		}
	}
	return keeper.Status{}, false
}

// noneOpen is an error if another process has one of the tunnels open.
func noneOpen(ctx context.Context, p *env.Process, selected []configs.Tunnel) error {
	rows, err := keeper.OpenNow(ctx, p)
	if err != nil {
		return nil // opening tells what is wrong
	}
	for _, conf := range selected {
		if s, open := isOpen(rows, conf, p.Getenv); open {
			return fmt.Errorf("%s is open already in %s, on %s; %q closes it", s.Tunnel, s.Place(), s.Listen, "ssmguard tunnel down "+s.Tunnel)
		}
	}
	return nil
}

// reached returns the tunnels of a command line that are to be opened, and those that are
// open already, which are used. Options that change a tunnel have it opened.
func (o *Options) reached(ctx context.Context, p *env.Process) (selected []configs.Tunnel, open []keeper.Status, err error) {
	rows, err := keeper.OpenNow(ctx, p)
	if err != nil {
		return nil, nil, err
	}
	c, err := trust.LoadNeeded(ctx, p, len(o.Words) == 0, o.Words...)
	if err != nil {
		return nil, nil, err
	}
	asked := o.Words
	o.Words = slices.DeleteFunc(slices.Clone(o.Words), func(word string) bool {
		at := slices.IndexFunc(rows, func(s keeper.Status) bool { return s.Tunnel == word })
		if _, err := c.Members(word); err == nil || at < 0 {
			return false
		}
		open = append(open, rows[at]) // it is in no file
		return true
	})
	defer func() {
		o.Words = asked
		for _, s := range open {
			safetext.Fprintf(p.Notes(), "ssmguard: %s is open already; the command uses that\n", s.Tunnel)
		}
	}()
	if len(asked) > 0 && len(o.Words) == 0 {
		return nil, open, nil
	}
	all, err := o.together(c)
	if err != nil {
		return nil, nil, err
	}
	for _, conf := range all {
		s, isOpen := isOpen(rows, conf, p.Getenv)
		if isOpen && o.Spot.LocalPort < 0 && o.Spot.Listen == "" {
			open = append(open, s)
		} else {
			selected = append(selected, conf)
		}
	}
	return selected, open, o.aim(ctx, p, selected)
}

// anyTarget stands for the target of a tunnel that is open, whatever it is.
const anyTarget = "any"

// listening returns the state of the tunnel as far as its configuration tells it: another
// terminal may have it open, unseen.
func listening(p *env.Process, conf configs.Tunnel, rows []keeper.Status) (keeper.Status, error) {
	if s, open := isOpen(rows, conf, p.Getenv); open {
		return s, nil
	}
	listen := conf.LocalEnd()
	if listen == "" {
		return keeper.Status{}, exit.Coded(fmt.Sprintf("%s is not open in the background and has no local_port; %q opens it", conf.Name, "ssmguard tunnel up "+conf.Name+" --background"), exit.Other)
	}
	return keeper.Status{Tunnel: conf.Name, Name: proxy.Idle.String(), Listen: listen}, nil
}
