package tunnelstate

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/keeper"
	"ssmguard/cmd/internal/trust"
	"ssmguard/cmd/internal/tunnelfile"
	"ssmguard/configs"
	"ssmguard/internal/safetext"
)

// Down closes tunnels: the named ones, or all in the background. A tunnel that is
// not open is not an error. A tunnel of a group closes only with its group.
func Down(ctx context.Context, p *env.Process, names []string) error {
	r, err := keeper.FindRegistry(p)
	if err != nil {
		return err
	}
	recs, shut, err := Chosen(p, r, names, "down")
	if err != nil {
		return err
	}
	for _, name := range shut {
		safetext.Fprintf(p.Notes(), "ssmguard: %s is not open\n", name)
	}
	if len(recs)+len(shut) == 0 {
		fmt.Fprintln(p.Notes(), "ssmguard: no tunnel is open")
	}
	var first error
	for _, rec := range recs {
		if rec.Foreground && len(names) == 0 {
			safetext.Fprintf(p.Notes(), "ssmguard: %s stays open in %v; name it to close it, too\n", strings.Join(rec.AskedFor(), " "), rec)
			continue
		}
		if err := r.Stop(ctx, rec); err != nil {
			safetext.Fprintf(p.Notes(), "ssmguard: %v\n", err)
			first = cmp.Or(first, error(exit.EndWith(exit.Other)))
			continue
		}
		safetext.Fprintf(p.Stdout, "%s: closed\n", strings.Join(rec.AskedFor(), " "))
	}
	return first
}

// Chosen returns the processes that keep the named tunnels, or all processes,
// and the names that are not open. Unknown names, and names of only some of a process's
// tunnels, are errors.
func Chosen(p *env.Process, r keeper.Registry, words []string, verb string) (recs []keeper.Record, shut []string, err error) {
	if len(words) == 0 {
		recs, err = r.All()
		return recs, nil, err
	}
	for i, name := range words {
		if slices.Contains(words[:i], name) {
			continue
		}
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
