package tunnel

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/keeper"
	"ssmguard/cmd/internal/report"
	"ssmguard/cmd/internal/trust"
	"ssmguard/cmd/internal/tunnelfile"
	"ssmguard/configs"
	"ssmguard/internal/safetext"
)

// tunnelLs lists the open tunnels, the background tunnels that have ended without being
// closed, and the configured tunnels that are not open. The user's file may be faulty: what
// is open is listed all the same.
func tunnelLs(ctx context.Context, p *env.Process, o *Options) error {
	r := keeper.Known(p)
	rows, err := r.Statuses(ctx)
	if err != nil {
		return err
	}
	c, faulty := trust.LoadConfigHere(p)
	for _, name := range slices.Sorted(maps.Keys(c.Tunnels)) {
		if !slices.ContainsFunc(rows, func(s keeper.Status) bool { return s.Tunnel == name }) {
			t := c.Tunnels[name]
			row := keeper.Status{Tunnel: name, Name: keeper.StateDown, Listen: t.LocalEnd(), Leads: t.Leads(), File: t.File}
			if c.IsUntrusted(name) {
				row.Untrusted, row.Error = true, "not trusted; see ssmguard trust"
			}
			rows = append(rows, row)
		}
	}
	if rows, err = rowsOf(rows, c, o.Words); err != nil {
		return cmp.Or(faulty, err)
	}
	warnOf(p, c, o.Words)
	for _, twin := range c.Twins() {
		if len(o.Words) == 0 || slices.Contains(o.Words, twin.First.Name) || slices.Contains(o.Words, twin.Second.Name) {
			safetext.Fprintf(p.Stderr, "ssmguard: warning: %v\n", twin)
		}
	}
	switch {
	case o.Output == "json":
		enc := safetext.NewEncoder(p.Stdout)
		enc.SetIndent("", "  ")
		err = enc.Encode(append([]keeper.Status{}, rows...))
	case len(rows) > 0:
		err = listTunnels(p, rows)
	case faulty == nil && c.Unused == nil:
		safetext.Fprintf(p.Stderr, "ssmguard: no tunnels; %q writes one\n", "ssmguard tunnel add")
	}
	return errors.Join(faulty, err)
}

// rowsOf returns the rows of the named tunnels, groups and processes, or all rows
// without names.
func rowsOf(rows []keeper.Status, c configs.Config, names []string) (kept []keeper.Status, err error) {
	if len(names) == 0 {
		return rows, nil
	}
	wanted := make(map[string]bool)
	for _, name := range names {
		open := func(s keeper.Status) bool { return s.Tunnel == name || s.Process == name }
		members, err := c.Members(name)
		if err != nil && !slices.ContainsFunc(rows, open) {
			return nil, tunnelfile.NameError(err)
		}
		wanted[name] = true
		for _, member := range members {
			wanted[member] = true
		}
	}
	for _, s := range rows {
		if wanted[s.Tunnel] || wanted[s.Process] {
			kept = append(kept, s)
		}
	}
	return kept, nil
}

// noteOf is the last column of a tunnel.
func noteOf(s keeper.Status) string {
	note := strings.Join(strings.Fields(s.Error), " ")
	if s.Refused == 0 {
		return note
	}
	refused := fmt.Sprintf("%d connections of other users refused", s.Refused)
	if s.Refused == 1 {
		refused = "1 connection of another user refused"
	}
	if note != "" {
		note += "; "
	}
	return note + refused
}

func listTunnels(p *env.Process, rows []keeper.Status) error {
	shortened := func(file, home string) string {
		if rest, ok := strings.CutPrefix(file, home+string(filepath.Separator)); ok && home != "" {
			return filepath.Join("~", rest)
		}
		return file
	}
	t := tabwriter.NewWriter(p.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "TUNNEL\tSTATE\tLISTEN\tOPEN\tUP\tDOWN\tFOR\tPROCESS\tLEADS TO\tFILE\tNOTE")
	for _, s := range rows {
		open, up, down, since := "-", "-", "-", "-"
		if !s.Since.IsZero() {
			open, up, down = strconv.Itoa(s.Open), report.Bytes(s.Up), report.Bytes(s.Down)
			since = time.Since(s.Since).Round(time.Second).String()
		}
		process := cmp.Or(s.Process, "-")
		if s.Foreground {
			process = fmt.Sprintf("pid %d, in the foreground", s.PID)
		}
		for _, cell := range []string{s.Tunnel, s.Name, s.Listen, open, up, down, since, process, s.Leads, shortened(s.File, p.Getenv("HOME"))} {
			safetext.Fprintf(t, "%s\t", cmp.Or(cell, "-"))
		}
		safetext.Fprintf(t, "%s\n", noteOf(s))
	}
	return t.Flush()
}
