package keeper

import (
	"context"
	"errors"
	"fmt"
	"os"

	"ssmguard/cmd/internal/env"
	"ssmguard/proxy/door"
)

// announcement makes a process's tunnels known to other commands, by a record and a
// socket that answers questions.
type announcement struct {
	Record  Record // as written to the file
	ts      keptTunnels
	control *controlDoor
}

// Announce opens the socket and writes the record of a process. The process holds the
// lock of its name.
func (r Registry) Announce(rec Record, ts keptTunnels) (*announcement, error) {
	rec.Tunnels = ts.Names()
	var err error
	if rec.Dir, err = os.Getwd(); err != nil {
		return nil, err
	}
	control, err := r.openControl(rec.Name, controlOnPort)
	if err != nil {
		return nil, err
	}
	if err := r.Write(rec); err != nil {
		return nil, errors.Join(err, control.Close())
	}
	return &announcement{rec, ts, control}, nil
}

// During answers questions while keep runs, and calls leave when keep has returned.
// asked means that a command asked the process to stop; that command waits until leave
// has returned.
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

// WhoHolds adds to the error for a port in use how to close the tunnel of ours that
// uses it.
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

// Place says where a process runs: in the background or in another terminal.
func (rec Record) Place() string {
	if rec.Foreground {
		return rec.String()
	}
	return "the background"
}
