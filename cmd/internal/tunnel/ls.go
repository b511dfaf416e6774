package tunnel

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/keeper"
	"ssmguard/cmd/internal/report"
	"ssmguard/configs"
	"ssmguard/internal/safetext"
)

// tunnelLs lists the open tunnels, the background tunnels that have ended without being
// closed, and the configured tunnels that are not open.
func tunnelLs(ctx context.Context, p *env.Process, o *Options) error {
	r, _ := keeper.FindRegistry(p) // without a home nothing is known to be open
	rows, err := r.Statuses(ctx)
	if err != nil {
		return err
	}
	c, err := ReadConfig(p)
	if err != nil {
		safetext.Fprintf(p.Stderr, "ssmguard: warning: %v\n", err)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Tunnels)) {
		if !slices.ContainsFunc(rows, func(s keeper.Status) bool { return s.Tunnel == name }) {
			rows = append(rows, keeper.Status{Tunnel: name, Name: keeper.StateDown, Listen: wantedListen(c.Tunnels[name])})
		}
	}
	if rows, err = rowsOf(rows, c, o.Words); err != nil {
		return err
	}
	warnOf(p, c, o.Words)
	if o.Output == "json" {
		enc := safetext.NewEncoder(p.Stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(append([]keeper.Status{}, rows...))
	}
	return listTunnels(p, rows)
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
		tunnels, err := c.Select(name)
		if err != nil && !slices.ContainsFunc(rows, open) {
			return nil, nameError(err)
		}
		wanted[name] = true
		for _, t := range tunnels {
			wanted[t.Name] = true
		}
	}
	for _, s := range rows {
		if wanted[s.Tunnel] || wanted[s.Process] {
			kept = append(kept, s)
		}
	}
	return kept, nil
}

// wantedListen is the address on which a tunnel will listen, "" for any port.
func wantedListen(t configs.Tunnel) string {
	if t.LocalPort > 0 {
		return "127.0.0.1:" + strconv.Itoa(t.LocalPort)
	}
	return t.Listen
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
	if len(rows) == 0 {
		_, err := safetext.Fprintf(p.Stderr, "ssmguard: no tunnels; %q writes one\n", "ssmguard tunnel add")
		return err
	}
	t := tabwriter.NewWriter(p.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "TUNNEL\tSTATE\tLISTEN\tOPEN\tUP\tDOWN\tFOR\tPROCESS\tNOTE")
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
		safetext.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", s.Tunnel, s.Name, cmp.Or(s.Listen, "-"), open, up, down, since, process, noteOf(s))
	}
	return t.Flush()
}
