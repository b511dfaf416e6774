package cli

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
)

// tunnelDown closes tunnels: the named ones, or all in the background. That one
// is not open is no error. A tunnel that is one of a group closes with its group only.
func (p *process) tunnelDown(ctx context.Context, o *tunnelOptions) error {
	r, err := p.registry()
	if err != nil {
		return err
	}
	recs, shut, err := p.chosen(r, o.Words, "down")
	if err != nil {
		return err
	}
	for _, name := range shut {
		fmt.Fprintf(p.stderr, "ssmguard: %s is not open\n", name)
	}
	if len(recs)+len(shut) == 0 {
		fmt.Fprintln(p.stderr, "ssmguard: no tunnel is open")
	}
	var first error
	for _, rec := range recs {
		if rec.Foreground && len(o.Words) == 0 {
			fmt.Fprintf(p.stderr, "ssmguard: %s stays open in %v; name it to close it, too\n", strings.Join(rec.asked(), " "), rec)
			continue
		}
		if err := r.stop(ctx, rec); err != nil {
			fmt.Fprintf(p.stderr, "ssmguard: %v\n", err)
			first = cmp.Or(first, error(endWith(exitOther)))
			continue
		}
		fmt.Fprintf(p.stdout, "%s: closed\n", strings.Join(rec.asked(), " "))
	}
	return first
}

// chosen returns the processes that keep what is named, or all, and the names of
// what is not open. The names must mean something, and whole processes.
func (p *process) chosen(r registry, words []string, verb string) (recs []record, shut []string, err error) {
	if len(words) == 0 {
		recs, err = r.all()
		return recs, nil, err
	}
	for _, name := range unique(words) {
		holding, err := r.holding(name)
		if err != nil {
			return nil, nil, err
		}
		if len(holding) == 0 {
			if err := p.unknownName(r, name); err != nil {
				return nil, nil, err
			}
			shut = append(shut, name)
		}
		for _, rec := range holding {
			if !within(rec.asked(), words) && !within(rec.Tunnels, words) {
				return nil, nil, usagef("%s is open as part of %v; %q is for all of it", name, rec,
					"ssmguard tunnel "+verb+" "+strings.Join(rec.asked(), " "))
			}
			if !slices.ContainsFunc(recs, func(have record) bool { return have.Name == rec.Name }) {
				recs = append(recs, rec)
			}
		}
	}
	return recs, shut, nil
}

// within tells whether every name is one of words.
func within(names, words []string) bool {
	return !slices.ContainsFunc(names, func(n string) bool { return !slices.Contains(words, n) })
}

// tunnelRestart closes background tunnels and opens them again as they were.
// Those that are named and not open are opened.
func (p *process) tunnelRestart(ctx context.Context, o *tunnelOptions) error {
	r, err := p.writable()
	if err != nil {
		return err
	}
	recs, shut, err := p.chosen(r, o.Words, "restart")
	if err != nil {
		return err
	}
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	for _, name := range shut {
		recs = append(recs, record{Name: name, Dir: dir, Words: []string{name, "--background"}})
	}
	var first error
	for _, rec := range recs {
		switch {
		case !rec.Foreground:
			first = cmp.Or(first, p.reopen(ctx, r, rec))
		case len(o.Words) > 0:
			return usagef("%s is open in %v; restart it there", strings.Join(rec.asked(), " "), rec)
		}
	}
	return first
}

// reopen closes what a background process keeps and opens it as it was.
func (p *process) reopen(ctx context.Context, r registry, rec record) error {
	if err := r.stop(ctx, rec); err != nil {
		return err
	}
	return p.launch(ctx, rec.Name, rec.Dir, rec.Words)
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
	recs, err := r.holding(name)
	if err != nil {
		return err
	}
	spoken := ""
	for _, rec := range recs {
		if rec.Foreground {
			spoken = fmt.Sprintf("; it is open in %v, and speaks there", rec)
			continue
		}
		name = rec.Name
	}
	f, err := os.Open(r.file(name, "log"))
	if errors.Is(err, os.ErrNotExist) {
		if err := p.unknownName(r, name); err != nil {
			return err
		}
		return usagef("%s has never been open in the background%s", name, spoken)
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
