package keeper

import (
	"cmp"
	"context"
	"net"
	"slices"
	"strings"

	"ssmguard/cmd/internal/database"
	"ssmguard/cmd/internal/env"
	"ssmguard/configs"
)

// Whose returns the profile and the region by which a tunnel is opened, of its configuration
// or of the environment: tunnels of two accounts are not the same.
func Whose(c configs.Tunnel, getenv func(string) string) (profile, region string) {
	return cmp.Or(c.Profile, getenv("AWS_PROFILE"), getenv("AWS_DEFAULT_PROFILE")), cmp.Or(c.Region, getenv("AWS_REGION"), getenv("AWS_DEFAULT_REGION"))
}

// Conf is the configuration of an open tunnel that is in no file, as far as its far end
// tells it.
func (s Status) Conf() configs.Tunnel {
	f := *s.Far
	if f.RDS != "" || f.ElastiCache != "" {
		f.Host, f.Port = "", 0 // as the lookup finds them
	}
	return configs.Tunnel{Name: s.Tunnel, File: s.File, Settings: configs.Settings{Profile: f.Profile, Region: f.Region},
		Target: f.Target, SOCKS: s.SOCKS, HTTPProxy: s.HTTPProxy, Host: f.Host, Port: f.Port, RDS: f.RDS, ElastiCache: f.ElastiCache, Reader: f.Reader,
		Login: configs.Login{User: f.User, Database: f.Database, IAMAuth: f.IAMAuth, DBEngine: f.Engine}}
}

// OpenNow returns the tunnels that processes have open on this machine.
func OpenNow(ctx context.Context, p *env.Process) ([]Status, error) {
	rows, err := Known(p).Statuses(ctx)
	return slices.DeleteFunc(rows, func(s Status) bool { return s.Listen == "" || s.Far == nil }), err
}

// IsProxy reports whether an open tunnel is a proxy.
func (s Status) IsProxy() bool { return s.SOCKS != "" || s.HTTPProxy != "" }

// Access returns how a client connects through an open tunnel.
func (s Status) Access(getenv func(string) string) (database.Access, error) {
	f := *s.Far
	a := database.Access{
		Name: s.Tunnel, Real: f.Host, User: f.User, Database: f.Database, Engine: database.Of(database.Facts{Asked: f.Engine}), Called: f.Called,
		IAMAuth: f.IAMAuth, TLS: f.TLS, Shards: f.Shards, SSLMode: getenv("PGSSLMODE"),
	}
	if path, ok := strings.CutPrefix(s.Listen, "unix:"); ok {
		a.Socket = path
		return a, nil
	}
	var err error
	a.Host, a.Port, err = net.SplitHostPort(s.Listen)
	return a, err
}
