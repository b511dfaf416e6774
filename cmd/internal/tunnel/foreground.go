package tunnel

import (
	"context"
	"fmt"
	"os"
	"time"

	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/keeper"
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
			fmt.Fprintf(p.Notes(), "ssmguard: closed by %q\n", "ssmguard tunnel down")
			err = nil
		}
		r.Forget(rec) //nolint:errcheck // the next command removes it
		return err
	})
}
