package tunnel

import (
	"cmp"
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"time"

	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/keeper"
	"ssmguard/cmd/internal/trust"
	"ssmguard/cmd/internal/tunnelstate"
	"ssmguard/internal/safetext"
	"ssmguard/proxy"
)

// tunnelRestart closes background tunnels and opens them again with the same command
// line. Named tunnels that are not open are opened.
func tunnelRestart(ctx context.Context, p *env.Process, o *Options) error {
	r, err := keeper.Writable(p)
	if err != nil {
		return err
	}
	recs, shut, err := tunnelstate.Chosen(p, r, o.Words, "restart")
	if err != nil {
		return err
	}
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	for _, name := range shut {
		recs = append(recs, keeper.Record{Name: name, Dir: dir, Words: []string{name, "--background"}})
	}
	var first error
	for _, rec := range recs {
		switch {
		case !rec.Foreground:
			first = cmp.Or(first, reopen(ctx, p, r, rec))
		case len(o.Words) > 0:
			return exit.Usagef("%s is open in %v; restart it there", strings.Join(rec.AskedFor(), " "), rec)
		}
	}
	return first
}

// reopen closes a background process and starts it again with the same command line. It
// leaves the process as it is if its tunnels may not be opened as they are configured now.
func reopen(ctx context.Context, p *env.Process, r keeper.Registry, rec keeper.Record) error {
	o, err := verb{name: "up", flags: (*Options).upFlags, retryFor: endlessly}.parse(rec.Words, p.Getenv)
	if err == nil {
		err = reopenable(ctx, p, r, rec, o)
	}
	if err != nil {
		if r.Alive(rec.Name) {
			safetext.Fprintf(p.Notes(), "ssmguard: %s stays open as it is\n", rec.Name)
		}
		return err
	}
	wasOpen := r.Alive(rec.Name)
	if err := r.Stop(ctx, rec); err != nil {
		return err
	}
	err = launch(ctx, p, rec.Name, rec.Dir, rec.Words)
	var failed *launchError
	if wasOpen && errors.As(err, &failed) && failed.reason != "" {
		rec.GaveUp, rec.Ended = "not opened again: "+failed.reason, time.Now()
		err = errors.Join(err, r.Write(rec))
	}
	return err
}

// reopenable returns the error with which the tunnels of a process would end if they were
// opened now. A fault that passes by itself is one only while a tunnel of the process works.
func reopenable(ctx context.Context, p *env.Process, r keeper.Registry, rec keeper.Record, o *Options) error {
	c, err := trust.LoadNeededIn(ctx, p, rec.Dir, len(o.Words) == 0, o.Words...)
	if err != nil {
		return err
	}
	named := *o
	if len(o.Words) > 0 {
		named.Words = []string{rec.Name} // it may be one of several that a command started
	}
	selected, err := named.together(c)
	if err != nil {
		return err
	}
	if err := o.aim(ctx, p, selected); err != nil {
		return err
	}
	works := slices.ContainsFunc(r.StatusesOf(ctx, rec), func(s keeper.Status) bool { return s.Name == proxy.Ready.String() })
	for _, conf := range selected {
		t := &tunnel{conf: conf, stderr: p.Stderr, retryFor: o.RetryFor, progress: newProgress(conf)}
		found, err := t.findPlace(ctx, p, o)
		if err == nil {
			found.close()
			continue
		}
		if works || t.final(err) {
			return t.failed(err, len(selected) > 1)
		}
	}
	return nil
}
