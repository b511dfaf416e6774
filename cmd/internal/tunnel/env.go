package tunnel

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"slices"

	"ssmguard/cmd/internal/database"
	"ssmguard/cmd/internal/dynamic"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/keeper"
	"ssmguard/cmd/internal/trust"
	"ssmguard/configs"
	"ssmguard/internal/safetext"
)

// tunnelEnv prints connection settings for the database behind a background tunnel.
func tunnelEnv(ctx context.Context, p *env.Process, o *Options) error {
	c, err := trust.LoadNeeded(ctx, p, o.leads(), o.Words...)
	if err != nil {
		return err
	}
	rows, err := keeper.OpenNow(ctx, p)
	if err != nil {
		return err
	}
	conf, open, err := o.oneOf(p, c, rows)
	if err != nil {
		return err
	}
	if conf.IsProxy() {
		return proxyEnv(p, conf, open, o)
	}
	conf.User, conf.Database = cmp.Or(o.Spot.User, conf.User), cmp.Or(o.Spot.Database, conf.Database)
	a, err := accessTo(ctx, p, conf, open, o)
	if err != nil {
		return err
	}
	text, hint, err := o.textOf(&a)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprint(p.Stdout, text); err != nil {
		return err
	}
	if hint != "" {
		safetext.Fprintf(p.Notes(), "ssmguard: %s\n", hint)
	}
	if members := a.Members(); members != "" && (o.Client == "" || a.Shards > 1) {
		fmt.Fprintf(p.Notes(), "ssmguard: one port does not carry all: %s\n", members)
	}
	switch {
	case a.Password != "":
		fmt.Fprintln(p.Notes(), "ssmguard: the token opens connections for 15 minutes; those that are open stay open")
	case a.IAMAuth && a.Socket == "":
		safetext.Fprintf(p.Notes(), "ssmguard: %s takes IAM tokens for passwords; --token makes one\n", conf.Name)
	}
	return nil
}

// textOf returns an access in the form of --format or of --client, and a hint how the
// client verifies the server. The form becomes that of the access.
func (o *Options) textOf(a *database.Access) (text, hint string, err error) {
	if o.Client != "" && o.Format != "" {
		return "", "", exit.Usagef("give only one of --client and --format")
	}
	if o.Client != "" {
		c, err := database.ClientOf(o.Client, a.Engine)
		if err != nil {
			return "", "", err
		}
		return c.Text(*a)
	}
	if a.Format, err = a.FormatFor(o.Format); err == nil && a.Password != "" {
		err = a.KeepsToken()
	}
	if err == nil {
		text, err = a.Text()
	}
	return text, a.Hint(), err
}

// leads reports whether the options have a tunnel's destination.
func (o *Options) leads() bool {
	return o.Spot.IsProxy() || o.Spot.RDS != "" || o.Spot.ElastiCache != "" || o.Spot.Port != 0
}

// oneOf returns the one tunnel that the words name or the options describe, and its state:
// that of a running process, or what its configuration says, because another terminal may
// have it open. A tunnel that is in no file is known by its destination, or by its name
// while it is open.
func (o *Options) oneOf(p *env.Process, c configs.Config, rows []keeper.Status) (configs.Tunnel, keeper.Status, error) {
	leads := o.leads()
	if len(o.Words) > 1 || len(o.Words) == 0 && !leads {
		return configs.Tunnel{}, keeper.Status{}, exit.Usagef("tunnel env takes one name, or where a tunnel leads: --rds, --elasticache, or --host and --port")
	}
	name := cmp.Or(o.Spot.Name, spotName)
	if len(o.Words) == 1 {
		name = o.Words[0]
	}
	_, inFile := c.Tunnels[name]
	_, isGroup := c.Groups[name]
	if at := slices.IndexFunc(rows, func(s keeper.Status) bool { return s.Tunnel == name }); at >= 0 && !inFile && !isGroup && !leads {
		return rows[at].Conf(), rows[at], nil
	}
	conf, err := o.leading(c, name, inFile || isGroup || !leads)
	if err != nil {
		return conf, keeper.Status{}, err
	}
	s, err := listening(p, conf, rows)
	return conf, s, err
}

// leading returns the one tunnel of a name in a file or, if it is in none, the one that the
// options describe, with any target.
func (o *Options) leading(c configs.Config, name string, named bool) (configs.Tunnel, error) {
	if named {
		selected, err := o.selected(c)
		switch {
		case err != nil:
			return configs.Tunnel{}, err
		case len(selected) != 1:
			return configs.Tunnel{}, exit.Usagef("%s is a group; name one tunnel", name)
		}
		conf := selected[0]
		conf.Target = cmp.Or(conf.Target, anyTarget)
		return conf, nil
	}
	settings, err := c.OnTheSpot()
	if err != nil {
		return configs.Tunnel{}, exit.WithCode(err, exit.Config)
	}
	t := o.over(configs.Tunnel{Settings: settings, Name: name})
	t.Target = cmp.Or(t.Target, anyTarget) // the tunnel is open already, so its target does not matter
	return t, checkEnds(t)
}

// accessTo finds the tunnel's local address and its database, and makes a token for
// --token. What is known of an open tunnel is not looked up again.
func accessTo(ctx context.Context, p *env.Process, conf configs.Tunnel, s keeper.Status, o *Options) (_ database.Access, err error) {
	f := far{conf: conf}
	if o.Token || s.Far == nil && (conf.RDS != "" || conf.ElastiCache != "") {
		if f, err = locate(ctx, p, conf, o); err != nil {
			return database.Access{}, err
		}
		s.Far = nil
	}
	if s.Far == nil {
		s.Far = f.known(p.Getenv)
	}
	a, err := o.access(p, s, conf.Login)
	if err != nil || !o.Token {
		return a, err
	}
	a.User = conf.User // for a token the user has to be given: the master user has a password
	if a.Password, err = f.token(ctx, p, a); err == nil && conf.Guard != configs.GuardOff {
		f.warnLogin(ctx, p)
	}
	return a, err
}

// access returns how a client connects through an open tunnel: with the login and the engine of
// the options, then with the login that is configured, then with what the tunnel knows.
func (o *Options) access(p *env.Process, s keeper.Status, login configs.Login) (database.Access, error) {
	a, err := s.Access(p.Getenv)
	if err != nil {
		return a, err
	}
	a.Shell = o.shell(p)
	a.User, a.Database, a.CA = cmp.Or(o.Spot.User, login.User, a.User), cmp.Or(o.Spot.Database, login.Database, a.Database), o.CA
	if e := database.Of(database.Facts{Asked: o.Spot.DBEngine}); e.Name != "" {
		a.Engine, a.Called = e, ""
	}
	return a, nil
}

// shell is the shell that reads the lines of `env`.
func (o *Options) shell(p *env.Process) safetext.Shell { return cmp.Or(o.Shell, p.Shell()) }

// proxyEnv prints how clients find a proxy.
func proxyEnv(p *env.Process, conf configs.Tunnel, open keeper.Status, o *Options) error {
	if o.Token || o.Client != "" || o.Format != "" && o.Format != "url" {
		return exit.Usagef("%s is a proxy, which has no database; open a tunnel to the database, with --host and --port", conf.Name)
	}
	end := func(value string) string { return configs.Tunnel{SOCKS: value}.LocalEnd() }
	clients := dynamic.Clients{SOCKS: cmp.Or(open.SOCKS, end(conf.SOCKS)), HTTPProxy: cmp.Or(open.HTTPProxy, end(conf.HTTPProxy))}
	urls, err := clients.URLs()
	if err != nil {
		return fmt.Errorf("%s: %w", conf.Name, err)
	}
	if o.Format == "url" {
		for _, u := range urls {
			if _, err := safetext.Fprintf(p.Stdout, "%s\n", u); err != nil {
				return err
			}
		}
		return nil
	}
	vars, err := clients.Variables(p.Getenv("NO_PROXY"))
	if err != nil {
		return err
	}
	for _, v := range vars {
		line, err := o.shell(p).Set(v.Name, v.Value)
		if err != nil {
			return exit.Usagef("%v", err)
		}
		if _, err := safetext.Fprintf(p.Stdout, "%s", safetext.Own(line)); err != nil {
			return err
		}
	}
	if host, port, err := net.SplitHostPort(clients.SOCKS); err == nil {
		safetext.Fprintf(p.Notes(), "ssmguard: what reads no variables: mongodb by ?proxyHost=%s&proxyPort=%s in its URL, Java by -DsocksProxyHost=%s -DsocksProxyPort=%s; psql and mysql know no proxy and need a tunnel\n", host, port, host, port)
	}
	return nil
}
