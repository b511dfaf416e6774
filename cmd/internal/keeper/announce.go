package keeper

import (
	"context"
	"errors"
	"fmt"
	"os"

	"ssmguard/cmd/internal/env"
	"ssmguard/proxy/door"
)

// announcement makes the tunnels of a process known to other commands, by a record
// and by a socket on which it answers them.
type announcement struct {
	Record  Record // as it was written
	ts      keptTunnels
	control *door.Door
}

// Announce opens the socket and writes the record of a process that holds the lock
// of its name.
func (r Registry) Announce(rec Record, ts keptTunnels) (*announcement, error) {
	rec.Tunnels = ts.Names()
	var err error
	if rec.Dir, err = os.Getwd(); err != nil {
		return nil, err
	}
	control, err := door.Open("unix:"+r.File(rec.Name, "sock"), false)
	if err != nil {
		return nil, err
	}
	if err := r.Write(rec); err != nil {
		return nil, errors.Join(err, control.Close())
	}
	return &announcement{rec, ts, control}, nil
}

// During answers while keep runs. leave is called when that is over, and told
// whether somebody asked for it; whoever did waits until leave has returned.
func (a *announcement) During(ctx context.Context, keep func(context.Context) error, leave func(err error, asked bool) error) error {
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	answering, quiet := context.WithCancel(context.WithoutCancel(ctx))
	closed, served := make(chan struct{}), make(chan struct{})
	go func() { defer close(served); serve(answering, a.ts, a.control, cancel, closed) }()
	err := keep(inner)
	err = leave(err, inner.Err() != nil && ctx.Err() == nil)
	close(closed)
	quiet()
	<-served
	return err
}

// WhoHolds says of a port that a tunnel of ours has taken how to close that.
func WhoHolds(ctx context.Context, p *env.Process, err error) error {
	var taken *door.InUseError
	r, noHome := FindRegistry(p)
	if !errors.As(err, &taken) || noHome != nil {
		return err
	}
	all, readErr := r.All()
	if readErr != nil {
		return err
	}
	for _, rec := range all {
		for _, s := range r.StatusesOf(ctx, rec) {
			if s.Listen == taken.Address {
				return fmt.Errorf("%s is in use by tunnel %s, open in %s; close that with %q, or give another --local-port",
					taken.Address, s.Tunnel, rec.Place(), "ssmguard tunnel down "+rec.AskedFor()[0])
			}
		}
	}
	return err
}

// Place says where a process runs.
func (rec Record) Place() string {
	if rec.Foreground {
		return rec.String()
	}
	return "the background"
}
