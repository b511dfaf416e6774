package tunnel

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/keeper"
	"ssmguard/internal/safetext"
	"ssmguard/proxy"
)

// tunnelDown closes tunnels: the named ones, or all in the background. A tunnel that is
// not open is not an error. A tunnel of a group closes only with its group.
func tunnelDown(ctx context.Context, p *env.Process, o *Options) error {
	r, err := keeper.FindRegistry(p)
	if err != nil {
		return err
	}
	recs, shut, err := chosenProcesses(p, r, o.Words, "down")
	if err != nil {
		return err
	}
	for _, name := range shut {
		safetext.Fprintf(p.Stderr, "ssmguard: %s is not open\n", name)
	}
	if len(recs)+len(shut) == 0 {
		fmt.Fprintln(p.Stderr, "ssmguard: no tunnel is open")
	}
	var first error
	for _, rec := range recs {
		if rec.Foreground && len(o.Words) == 0 {
			safetext.Fprintf(p.Stderr, "ssmguard: %s stays open in %v; name it to close it, too\n", strings.Join(rec.AskedFor(), " "), rec)
			continue
		}
		if err := r.Stop(ctx, rec); err != nil {
			safetext.Fprintf(p.Stderr, "ssmguard: %v\n", err)
			first = cmp.Or(first, error(exit.EndWith(exit.Other)))
			continue
		}
		safetext.Fprintf(p.Stdout, "%s: closed\n", strings.Join(rec.AskedFor(), " "))
	}
	return first
}

// chosenProcesses returns the processes that keep the named tunnels, or all processes,
// and the names that are not open. Unknown names, and names of only some of a process's
// tunnels, are errors.
func chosenProcesses(p *env.Process, r keeper.Registry, words []string, verb string) (recs []keeper.Record, shut []string, err error) {
	if len(words) == 0 {
		recs, err = r.All()
		return recs, nil, err
	}
	for _, name := range unique(words) {
		holding, err := r.Holding(name)
		if err != nil {
			return nil, nil, err
		}
		if len(holding) == 0 {
			if err := unknownName(p, r, name); err != nil {
				return nil, nil, err
			}
			shut = append(shut, name)
		}
		for _, rec := range holding {
			if !within(rec.AskedFor(), words) && !within(rec.Tunnels, words) {
				return nil, nil, exit.Usagef("%s is open as part of %v; give all of it: %q", name, rec,
					"ssmguard tunnel "+verb+" "+strings.Join(rec.AskedFor(), " "))
			}
			if !slices.ContainsFunc(recs, func(have keeper.Record) bool { return have.Name == rec.Name }) {
				recs = append(recs, rec)
			}
		}
	}
	return recs, shut, nil
}

// within reports whether every name is one of words.
func within(names, words []string) bool {
	return !slices.ContainsFunc(names, func(n string) bool { return !slices.Contains(words, n) })
}

// tunnelRestart closes background tunnels and opens them again with the same command
// line. Named tunnels that are not open are opened.
func tunnelRestart(ctx context.Context, p *env.Process, o *Options) error {
	r, err := keeper.Writable(p)
	if err != nil {
		return err
	}
	recs, shut, err := chosenProcesses(p, r, o.Words, "restart")
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
			safetext.Fprintf(p.Stderr, "ssmguard: %s stays open as it is\n", rec.Name)
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
	c, err := trustedConfig(ctx, p, rec.Dir, len(o.Words) == 0, o.Words...)
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

// followEvery is the pause between two reads of a followed log.
const followEvery = 300 * time.Millisecond

// tunnelLogs prints the log of a background process.
func tunnelLogs(ctx context.Context, p *env.Process, o *Options) error {
	if len(o.Words) != 1 {
		return exit.Usagef("tunnel logs takes one name")
	}
	r, err := keeper.FindRegistry(p)
	if err != nil {
		return err
	}
	name := o.Words[0]
	recs, err := r.Holding(name)
	if err != nil {
		return err
	}
	spoken := ""
	for _, rec := range recs {
		if rec.Foreground {
			spoken = fmt.Sprintf("; it is open in %v, which shows its messages", rec)
			continue
		}
		name = rec.Name
	}
	f, err := os.Open(r.File(name, "log"))
	if errors.Is(err, os.ErrNotExist) {
		if err := unknownName(p, r, name); err != nil {
			return err
		}
		return exit.Usagef("%s has never been open in the background%s", name, spoken)
	}
	if err != nil {
		return err
	}
	defer f.Close()
	out := safetext.NewLog(p.Stdout)
	defer out.Flush() //nolint:errcheck // an error of Write was returned
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		alive := r.Alive(name)
		if _, err := io.Copy(out, f); err != nil || !o.Follow || !alive {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
