package tunnel

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/keeper"
	"ssmguard/configs"
)

// inForeground keeps tunnels that `ls` shows and `down` closes. Where that cannot
// be, without a home for instance, they are kept all the same.
func inForeground(ctx context.Context, p *env.Process, o *Options, ts tunnels, keep func(context.Context) error) error {
	rec := keeper.Record{Name: fmt.Sprintf("~%d", os.Getpid()), PID: os.Getpid(), Started: time.Now(), Foreground: true, Words: o.raw, Asked: o.Words}
	if len(rec.Asked) == 0 {
		rec.Asked = []string{ts[0].conf.Name}
	}
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
		r.Forget(rec) //nolint:errcheck // there is hardly anything
		return keep(ctx)
	}
	return a.During(ctx, keep, func(err error, asked bool) error {
		if asked {
			fmt.Fprintf(p.Stderr, "ssmguard: closed by %q\n", "ssmguard tunnel down")
			err = nil
		}
		r.Forget(rec) //nolint:errcheck // the next who looks clears it away
		return err
	})
}

// unknownName is the error for a name that nothing open has: nothing, but a note,
// if it is one of the configuration.
func unknownName(p *env.Process, r keeper.Registry, name string) error {
	c, err := ReadConfig(p)
	if err != nil {
		return err
	}
	_, isTunnel := c.Tunnels[name]
	_, isGroup := c.Groups[name]
	if isTunnel || isGroup {
		return nil
	}
	if _, err := os.Stat(r.File(name, "log")); err == nil && configs.CheckName(name) == nil {
		return nil // of one that no file describes
	}
	all, err := r.All()
	if err != nil {
		return err
	}
	for _, rec := range all {
		for _, open := range slices.Concat(rec.AskedFor(), rec.Tunnels) {
			if _, isGroup := c.Groups[open]; !isGroup {
				c.Tunnels[open] = configs.Tunnel{} // a name that can be meant, too
			}
		}
	}
	_, err = c.Select(name)
	return nameError(err)
}
