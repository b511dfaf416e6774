package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"ssmguard/configs"
	"ssmguard/proxy/door"
)

// presence makes the tunnels of a process known to other commands, by a record
// and by a socket on which it answers them.
type presence struct {
	registry
	record
	ts      keptTunnels
	control *door.Door
}

// appear opens the socket and writes the record of a process that holds the lock
// of its name.
func (r registry) appear(rec record, ts keptTunnels) (*presence, error) {
	rec.Tunnels = ts.names()
	var err error
	if rec.Dir, err = os.Getwd(); err != nil {
		return nil, err
	}
	control, err := door.Open("unix:"+r.file(rec.Name, "sock"), false)
	if err != nil {
		return nil, err
	}
	if err := r.write(rec); err != nil {
		return nil, errors.Join(err, control.Close())
	}
	return &presence{r, rec, ts, control}, nil
}

// during answers while keep runs. leave is called when that is over, and told
// whether somebody asked for it; whoever did waits until leave has returned.
func (a *presence) during(ctx context.Context, keep func(context.Context) error, leave func(err error, asked bool) error) error {
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

// inForeground keeps tunnels that `ls` shows and `down` closes. Where that cannot
// be, without a home for instance, they are kept all the same.
func (p *process) inForeground(ctx context.Context, o *tunnelOptions, ts tunnels, keep func(context.Context) error) error {
	rec := record{Name: fmt.Sprintf("~%d", os.Getpid()), PID: os.Getpid(), Started: time.Now(), Foreground: true, Words: o.raw, Asked: o.Words}
	if len(rec.Asked) == 0 {
		rec.Asked = []string{ts[0].conf.Name}
	}
	r, err := p.writable()
	if err != nil {
		return keep(ctx)
	}
	unlock, err := r.lock(ctx, rec.Name)
	if err != nil {
		return keep(ctx)
	}
	defer unlock()
	a, err := r.appear(rec, ts)
	if err != nil {
		r.forget(rec) //nolint:errcheck // there is hardly anything
		return keep(ctx)
	}
	return a.during(ctx, keep, func(err error, asked bool) error {
		if asked {
			fmt.Fprintf(p.stderr, "ssmguard: closed by %q\n", "ssmguard tunnel down")
			err = nil
		}
		r.forget(rec) //nolint:errcheck // the next who looks clears it away
		return err
	})
}

// whoHolds says of a port that a tunnel of ours has taken how to close that.
func (p *process) whoHolds(ctx context.Context, err error) error {
	var taken *door.InUseError
	r, noHome := p.registry()
	if !errors.As(err, &taken) || noHome != nil {
		return err
	}
	all, readErr := r.all()
	if readErr != nil {
		return err
	}
	for _, rec := range all {
		for _, s := range r.statusesOf(ctx, rec) {
			if s.Listen == taken.Address {
				return fmt.Errorf("%s is in use by tunnel %s, open in %s; close that with %q, or give another --local-port",
					taken.Address, s.Tunnel, rec.place(), "ssmguard tunnel down "+rec.asked()[0])
			}
		}
	}
	return err
}

// place says where a process runs.
func (rec record) place() string {
	if rec.Foreground {
		return rec.String()
	}
	return "the background"
}

// unknownName is the error for a name that nothing open has: nothing, but a note,
// if it is one of the configuration.
func (p *process) unknownName(r registry, name string) error {
	c, err := p.readConfig()
	if err != nil {
		return err
	}
	_, isTunnel := c.Tunnels[name]
	_, isGroup := c.Groups[name]
	if isTunnel || isGroup {
		return nil
	}
	if _, err := os.Stat(r.file(name, "log")); err == nil && configs.CheckName(name) == nil {
		return nil // of one that no file describes
	}
	all, err := r.all()
	if err != nil {
		return err
	}
	for _, rec := range all {
		for _, open := range slices.Concat(rec.asked(), rec.Tunnels) {
			if _, isGroup := c.Groups[open]; !isGroup {
				c.Tunnels[open] = configs.Tunnel{} // a name that can be meant, too
			}
		}
	}
	_, err = c.Select(name)
	return nameError(err)
}
