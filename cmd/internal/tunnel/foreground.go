package tunnel

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/keeper"
	"ssmguard/cmd/internal/trust"
	"ssmguard/cmd/internal/tunnelfile"
	"ssmguard/configs"
)

// inForeground keeps tunnels open, and makes them known to `ls` and `down`. If that
// fails, for instance without a home directory, they are kept open all the same.
func inForeground(ctx context.Context, p *env.Process, o *Options, ts tunnels, keep func(context.Context) error) error {
	rec := keeper.Record{Name: fmt.Sprintf("~%d", os.Getpid()), PID: os.Getpid(), Started: time.Now(), Foreground: true, Words: o.raw, Asked: o.Words}
	if len(rec.Asked) == 0 {
		rec.Asked = []string{ts[0].conf.Name}
	}
	keeper.Known(p) // for its warning
	r, err := keeper.Writable(p)
	if err != nil {
		return keep(ctx)
	}
	unlock, err := r.Lock(ctx, rec.Name)
	if err != nil {
		return keep(ctx)
	}
	defer unlock()
	a, err := r.Announce(rec, ts)
	if err != nil {
		r.Forget(rec) //nolint:errcheck // hardly anything was written
		return keep(ctx)
	}
	return a.During(ctx, keep, func(err error, asked bool) error {
		if asked {
			fmt.Fprintf(p.Stderr, "ssmguard: closed by %q\n", "ssmguard tunnel down")
			err = nil
		}
		r.Forget(rec) //nolint:errcheck // the next command removes it
		return err
	})
}

// unknownName is the error for a name that no open tunnel has. A name of the
// configuration is not an error.
func unknownName(p *env.Process, r keeper.Registry, name string) error {
	c, err := trust.LoadConfigHere(p)
	if err != nil {
		return err
	}
	_, isTunnel := c.Tunnels[name]
	_, isGroup := c.Groups[name]
	if isTunnel || isGroup {
		return nil
	}
	if _, err := os.Stat(r.File(name, "log")); err == nil && configs.CheckName(name) == nil {
		return nil // a tunnel that is in no file
	}
	all, err := r.All()
	if err != nil {
		return err
	}
	for _, rec := range all {
		for _, open := range slices.Concat(rec.AskedFor(), rec.Tunnels) {
			if _, isGroup := c.Groups[open]; !isGroup {
				c.Tunnels[open] = configs.Tunnel{} // a name for suggestions, too
			}
		}
	}
	_, err = c.Members(name)
	return tunnelfile.NameError(err)
}
