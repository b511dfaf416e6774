package tunnel

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"strings"

	"ssmguard/cmd/internal/database"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/keeper"
	"ssmguard/configs"
	"ssmguard/internal/safetext"
)

// tunnelEnv prints connection settings for the database behind a background tunnel.
func tunnelEnv(ctx context.Context, p *env.Process, o *Options) error {
	c, err := loadConfig(ctx, p, o.leads(), o.Words...)
	if err != nil {
		return err
	}
	conf, err := o.oneOf(c)
	if err != nil {
		return err
	}
	conf.User, conf.Database = cmp.Or(o.Spot.User, conf.User), cmp.Or(o.Spot.Database, conf.Database)
	a, err := accessTo(ctx, p, conf, o)
	if err != nil {
		return err
	}
	text, err := a.Text()
	if err != nil {
		return err
	}
	if _, err := fmt.Fprint(p.Stdout, text); err != nil {
		return err
	}
	if hint := a.Hint(); hint != "" {
		safetext.Fprintf(p.Stderr, "ssmguard: %s\n", hint)
	}
	switch {
	case a.Password != "":
		fmt.Fprintln(p.Stderr, "ssmguard: the token opens connections for 15 minutes; those that are open stay open")
	case a.IAMAuth && a.Socket == "":
		safetext.Fprintf(p.Stderr, "ssmguard: %s takes IAM tokens for passwords; --token makes one\n", conf.Name)
	}
	return nil
}

// leads reports whether the options have a tunnel's destination.
func (o *Options) leads() bool {
	return o.Spot.RDS != "" || o.Spot.ElastiCache != "" || o.Spot.Port != 0
}

// oneOf returns the one tunnel that the words name or the options describe. A tunnel
// that is in no file is identified by its destination.
func (o *Options) oneOf(c configs.Config) (configs.Tunnel, error) {
	leads := o.leads()
	if len(o.Words) > 1 || len(o.Words) == 0 && !leads {
		return configs.Tunnel{}, exit.Usagef("tunnel env takes one name, or where a tunnel leads: --rds, --elasticache, or --host and --port")
	}
	name := cmp.Or(o.Spot.Name, spotName)
	if len(o.Words) == 1 {
		name = o.Words[0]
	}
	_, inFile := c.Tunnels[name]
	if _, isGroup := c.Groups[name]; inFile || isGroup || !leads {
		selected, err := o.selected(c)
		switch {
		case err != nil:
			return configs.Tunnel{}, err
		case len(selected) != 1:
			return configs.Tunnel{}, exit.Usagef("%s is a group; name one tunnel", name)
		}
		return selected[0], nil
	}
	settings, err := c.OnTheSpot()
	if err != nil {
		return configs.Tunnel{}, exit.WithCode(err, exit.Config)
	}
	t := o.over(configs.Tunnel{Settings: settings, Name: name})
	t.Target = cmp.Or(t.Target, "any") // the tunnel is open already, so its target does not matter
	return t, checkEnds(t)
}

// accessTo finds the tunnel's local address and its database, and makes a token for
// --token.
func accessTo(ctx context.Context, p *env.Process, conf configs.Tunnel, o *Options) (database.Access, error) {
	listen, err := openAt(ctx, p, conf)
	if err != nil {
		return database.Access{}, err
	}
	f := far{conf: conf}
	if o.Token || conf.RDS != "" || conf.ElastiCache != "" {
		if f, err = locate(ctx, p, conf, o); err != nil {
			return database.Access{}, err
		}
	}
	conf = f.conf
	e := f.endpoint
	a := database.Access{
		Real: conf.Host, User: cmp.Or(conf.User, e.User), Database: conf.Database, Engine: cmp.Or(e.Engine, database.EngineAt(conf)),
		IAMAuth: conf.IAMAuth || e.IAMAuth, TLS: e.TLS, Cache: conf.ElastiCache != "",
		SSLMode: p.Getenv("PGSSLMODE"),
	}
	if listen, err = socketAddress(listen); err != nil {
		return a, err
	}
	if path, ok := strings.CutPrefix(listen, "unix:"); ok {
		a.Socket = path
	} else if a.Host, a.Port, err = net.SplitHostPort(listen); err != nil {
		return a, err
	}
	if a.Format, err = a.FormatFor(o.Format); err != nil || !o.Token {
		return a, err
	}
	a.User = conf.User // for a token the user has to be given: the master user has a password
	if a.Password, err = f.token(ctx, p); err == nil {
		err = a.KeepsToken()
	}
	if err == nil && conf.Guard != configs.GuardOff {
		f.warnLogin(ctx, p)
	}
	return a, err
}

// openAt returns the address on which a tunnel listens: that of a running process, or
// of its configuration, because another terminal may have it open.
func openAt(ctx context.Context, p *env.Process, conf configs.Tunnel) (string, error) {
	r := keeper.Known(p)
	rows, err := r.Statuses(ctx)
	if err != nil {
		return "", err
	}
	for _, s := range rows {
		if s.Tunnel == conf.Name && s.Listen != "" {
			return s.Listen, nil
		}
	}
	if listen := conf.LocalEnd(); listen != "" {
		return listen, nil
	}
	return "", fmt.Errorf("%s is not open in the background and has no local_port; %q opens it", conf.Name, "ssmguard tunnel up "+conf.Name+" --background")
}
