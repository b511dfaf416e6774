package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// tunnelDown closes background tunnels: the named ones, or all. A tunnel that is
// one of a group closes with its group only.
func (p *process) tunnelDown(ctx context.Context, o *tunnelOptions) error {
	r, recs, err := p.records(o.Words)
	if err != nil {
		return err
	}
	for i, rec := range recs {
		if len(o.Words) > 0 && rec.Name != o.Words[i] && len(rec.Tunnels) > 1 {
			return usagef("%s is open as part of %s; close that with %q", o.Words[i], rec.Name, "ssmguard tunnel down "+rec.Name)
		}
		if err := r.stop(ctx, rec); err != nil {
			return err
		}
		fmt.Fprintf(p.stdout, "%s: closed\n", rec.Name)
	}
	return nil
}

// records returns the records of the named background processes, or of all.
func (p *process) records(names []string) (registry, []record, error) {
	r, err := p.registry()
	if err != nil {
		return r, nil, err
	}
	if len(names) == 0 {
		recs, err := r.all()
		return r, recs, err
	}
	var recs []record
	for _, name := range names {
		rec, err := r.holding(name)
		if err != nil {
			return r, nil, err
		}
		recs = append(recs, rec)
	}
	return r, recs, nil
}

// tunnelRestart closes background tunnels and opens them again as they were.
func (p *process) tunnelRestart(ctx context.Context, o *tunnelOptions) error {
	r, recs, err := p.records(o.Words)
	if err != nil {
		return err
	}
	for _, rec := range recs {
		if err := r.stop(ctx, rec); err != nil {
			return err
		}
		if err := p.launch(ctx, rec.Name, rec.Dir, rec.Words); err != nil {
			return err
		}
	}
	return nil
}

// followEvery is how often a log is looked at for more.
const followEvery = 300 * time.Millisecond

// tunnelLogs prints what a background process has to say.
func (p *process) tunnelLogs(ctx context.Context, o *tunnelOptions) error {
	if len(o.Words) != 1 {
		return usagef("tunnel logs takes one name")
	}
	r, err := p.registry()
	if err != nil {
		return err
	}
	name := o.Words[0]
	if rec, err := r.holding(name); err == nil {
		name = rec.Name
	}
	f, err := os.Open(r.file(name, "log"))
	if errors.Is(err, os.ErrNotExist) {
		return usagef("%s has never been open in the background", name)
	}
	if err != nil {
		return err
	}
	defer f.Close()
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		alive := r.alive(name)
		if _, err := io.Copy(p.stdout, f); err != nil || !o.Follow || !alive {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
