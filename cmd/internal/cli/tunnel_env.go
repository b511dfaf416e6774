package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"al.essio.dev/pkg/shellescape"

	"ssmguard/configs"
	"ssmguard/proxy/awsdb"
)

var envTable = []option[tunnelOptions]{
	{"--format", "", false, chosen(func(o *tunnelOptions) *string { return &o.Format }, "psql", "mysql", "url")},
	{"--user", "", false, text(func(o *tunnelOptions) *string { return &o.Spot.User })},
	{"--database", "", false, text(func(o *tunnelOptions) *string { return &o.Spot.Database })},
	{"--token", "", true, toggle(func(o *tunnelOptions) *bool { return &o.Token })},
}

// found looks up the host and port of a tunnel that names a database, and
// returns its line with them.
func (t *tunnel) found(ctx context.Context, p *process, o *tunnelOptions, line *sessionLine) (*sessionLine, error) {
	look, name := awsdb.RDS, t.conf.RDS
	if t.conf.ElastiCache != "" {
		look, name = awsdb.ElastiCache, t.conf.ElastiCache
	}
	if name == "" {
		return line, nil
	}
	e, err := look(ctx, t.session.Config, name)
	var none *awsdb.NotFoundError
	if errors.As(err, &none) {
		return nil, codedError{err.Error(), exitUsage}
	}
	if err != nil {
		return nil, fmt.Errorf("looking up %s: %w", name, err)
	}
	t.conf.Host, t.conf.Port = e.Host, cmp.Or(t.conf.Port, e.Port)
	t.conf.User, t.conf.Database = cmp.Or(t.conf.User, e.User), cmp.Or(t.conf.Database, e.Database)
	t.endpoint = e
	return t.line(p, o)
}

// access is how a client connects to the database behind a tunnel.
type access struct {
	Host, Port     string // here
	Real           string // the server's own name, for TLS
	User, Database string
	Password       string
	Engine         string
}

// tunnelEnv prints connection settings for the database behind a background tunnel.
func (p *process) tunnelEnv(ctx context.Context, o *tunnelOptions) error {
	if len(o.Words) != 1 {
		return usagef("tunnel env takes one name")
	}
	c, err := p.loadConfig()
	if err != nil {
		return err
	}
	selected, err := c.Select(o.Words...)
	switch {
	case err != nil:
		return codedError{err.Error(), exitUsage}
	case len(selected) != 1:
		return usagef("%s is a group; name one tunnel", o.Words[0])
	}
	conf := selected[0]
	conf.User, conf.Database = cmp.Or(o.Spot.User, conf.User), cmp.Or(o.Spot.Database, conf.Database)
	a, err := p.accessTo(ctx, conf, o)
	if err != nil {
		return err
	}
	format := cmp.Or(o.Format, "psql")
	if _, err := fmt.Fprint(p.stdout, formats[format](a)); err != nil {
		return err
	}
	if a.Real != "" {
		fmt.Fprintf(p.stderr, "ssmguard: %s\n", fmt.Sprintf(tlsHints[format], a.Real))
	}
	return nil
}

// accessTo finds out where the tunnel is open, and makes a token if one is wanted.
func (p *process) accessTo(ctx context.Context, conf configs.Tunnel, o *tunnelOptions) (access, error) {
	listen, err := p.openAt(ctx, conf)
	if err != nil {
		return access{}, err
	}
	t := &tunnel{conf: conf}
	if o.Token || conf.RDS != "" || conf.ElastiCache != "" {
		line, err := t.line(p, o)
		if err != nil {
			return access{}, err
		}
		if t.session, err = line.configure(ctx); err != nil {
			return access{}, err
		}
		if _, err := t.found(ctx, p, o, line); err != nil {
			return access{}, err
		}
	}
	a := access{Real: t.conf.Host, User: t.conf.User, Database: t.conf.Database, Engine: t.endpoint.Engine}
	if path, ok := strings.CutPrefix(listen, "unix:"); ok {
		return a, usagef("%s listens on the socket %s; clients of databases want a port", conf.Name, path)
	}
	if a.Host, a.Port, err = net.SplitHostPort(listen); err != nil || !o.Token {
		return a, err
	}
	switch {
	case a.User == "":
		return a, usagef("an IAM token is for a database user; give --user")
	case a.Real == "":
		return a, usagef("an IAM token is for a database by its real name; give the tunnel a host or rds")
	}
	a.Password, err = awsdb.Token(ctx, t.session.Config, a.Real, t.conf.Port, a.User)
	return a, err
}

// openAt returns where a tunnel listens: in the background, or by its
// configuration, since it may be open in another terminal.
func (p *process) openAt(ctx context.Context, conf configs.Tunnel) (string, error) {
	r, _ := p.registry() // without a home nothing is known to be open
	rows, err := r.statuses(ctx)
	if err != nil {
		return "", err
	}
	for _, s := range rows {
		if s.Tunnel == conf.Name && s.Listen != "" {
			return s.Listen, nil
		}
	}
	if listen := wantedListen(conf); listen != "" {
		return listen, nil
	}
	return "", fmt.Errorf("%s is not open in the background and has no local_port; %q opens it", conf.Name, "ssmguard tunnel up "+conf.Name+" --background")
}

// formats write an access for a kind of client.
var formats = map[string]func(access) string{
	"psql": func(a access) string {
		if a.Real == "" {
			a.Real = a.Host
		}
		// libpq checks a certificate against PGHOST and connects to PGHOSTADDR.
		return exports([]variable{
			{"PGHOST", a.Real}, {"PGHOSTADDR", a.Host}, {"PGPORT", a.Port}, {"PGUSER", a.User}, {"PGDATABASE", a.Database}, {"PGPASSWORD", a.Password},
		})
	},
	"mysql": func(a access) string {
		lines := "[client]\nprotocol=tcp\nhost=" + a.Host + "\nport=" + a.Port + "\n"
		for _, v := range []variable{{"user", a.User}, {"password", a.Password}} {
			if v.value != "" {
				lines += v.name + "=\"" + v.value + "\"\n"
			}
		}
		if a.Password != "" {
			lines += "enable-cleartext-plugin\n" // tokens are sent as they are, under TLS
		}
		if a.Database != "" {
			lines += "[mysql]\ndatabase=" + a.Database + "\n"
		}
		return lines
	},
	"url": func(a access) string {
		u := url.URL{Scheme: "postgresql", Host: net.JoinHostPort(a.Host, a.Port), Path: a.Database}
		if strings.Contains(a.Engine, "mysql") || strings.Contains(a.Engine, "maria") {
			u.Scheme = "mysql"
		}
		if strings.Contains(a.Engine, "redis") || strings.Contains(a.Engine, "valkey") {
			u.Scheme = "redis"
		}
		if a.User != "" {
			u.User = url.User(a.User)
		}
		if a.Password != "" {
			u.User = url.UserPassword(a.User, a.Password)
		}
		return u.String() + "\n"
	},
}

// tlsHints say how each client checks that it talks to the right server.
var tlsHints = map[string]string{
	"psql":  "to verify TLS against %s set PGSSLMODE=verify-full and PGSSLROOTCERT to the authority's file",
	"mysql": "to verify TLS, whose certificate is for %s, add ssl-mode=VERIFY_CA and ssl-ca; VERIFY_IDENTITY needs that name in /etc/hosts",
	"url":   "to verify TLS, whose certificate is for %s, have that name as the host and lead it here in /etc/hosts",
}

// exports are variables as lines for a shell, those that are set.
func exports(all []variable) string {
	var b strings.Builder
	for _, v := range all {
		if v.value != "" {
			fmt.Fprintf(&b, "export %s=%s\n", v.name, shellescape.Quote(v.value))
		}
	}
	return b.String()
}
