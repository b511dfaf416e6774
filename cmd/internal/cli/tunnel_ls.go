package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"ssmguard/cmd/internal/report"
	"ssmguard/configs"
)

// What `ls` calls tunnels that no process answers for.
const (
	stateDown    = "down"
	stateCrashed = "crashed"
	stateGaveUp  = "gaveup"
	stateUnknown = "unknown" // the process lives, and says nothing
)

// tunnelLs lists the tunnels that are open, those that have ended in the
// background without being closed, and those of the configuration that are not open.
func (p *process) tunnelLs(ctx context.Context, o *tunnelOptions) error {
	r, _ := p.registry() // without a home nothing is known to be open
	rows, err := r.statuses(ctx)
	if err != nil {
		return err
	}
	c, err := p.readConfig()
	if err != nil {
		fmt.Fprintf(p.stderr, "ssmguard: warning: %v\n", err)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Tunnels)) {
		if !slices.ContainsFunc(rows, func(s tunnelStatus) bool { return s.Tunnel == name }) {
			rows = append(rows, tunnelStatus{Tunnel: name, Name: stateDown, Listen: wantedListen(c.Tunnels[name])})
		}
	}
	if rows, err = rowsOf(rows, c, o.Words); err != nil {
		return err
	}
	p.warnOf(c, o.Words)
	if o.Output == "json" {
		enc := json.NewEncoder(p.stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(append([]tunnelStatus{}, rows...))
	}
	return p.listTunnels(rows)
}

// rowsOf keeps the rows that names are about: of tunnels, groups and processes;
// all without names.
func rowsOf(rows []tunnelStatus, c configs.Config, names []string) (kept []tunnelStatus, err error) {
	if len(names) == 0 {
		return rows, nil
	}
	wanted := make(map[string]bool)
	for _, name := range names {
		open := func(s tunnelStatus) bool { return s.Tunnel == name || s.Process == name }
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

// statuses asks every background process.
func (r registry) statuses(ctx context.Context) ([]tunnelStatus, error) {
	recs, err := r.all()
	if err != nil {
		return nil, err
	}
	var rows []tunnelStatus
	for _, rec := range recs {
		rows = append(rows, r.statusesOf(ctx, rec)...)
	}
	return rows, nil
}

func (r registry) statusesOf(ctx context.Context, rec record) (rows []tunnelStatus) {
	row := tunnelStatus{Name: stateCrashed, Error: fmt.Sprintf("process %d has ended; see %q", rec.PID, "ssmguard tunnel logs "+rec.Name)}
	if rec.GaveUp != "" {
		row = tunnelStatus{Name: stateGaveUp, Error: rec.GaveUp}
	}
	if r.alive(rec.Name) {
		ctx, cancel := context.WithTimeout(ctx, askTime)
		defer cancel()
		answer, err := r.ask(ctx, rec.Name, statusRequest)
		if err == nil {
			for i := range answer {
				answer[i].Process, answer[i].PID, answer[i].Foreground = rec.process(), rec.PID, rec.Foreground
			}
			return answer
		}
		switch ended := r.ends(ctx, rec.Name); {
		case ended && rec.Foreground: // while we asked: whoever ended it knows
			r.forget(rec) //nolint:errcheck // the next who looks clears it away
			return nil
		case !ended:
			row = tunnelStatus{Name: stateUnknown, PID: rec.PID, Foreground: rec.Foreground, Error: err.Error()}
		}
	}
	for _, name := range rec.Tunnels {
		row.Tunnel, row.Process = name, rec.process()
		rows = append(rows, row)
	}
	return rows
}

// wantedListen is where a tunnel that is not open would listen, "" for any port.
func wantedListen(t configs.Tunnel) string {
	if t.LocalPort > 0 {
		return "127.0.0.1:" + strconv.Itoa(t.LocalPort)
	}
	return t.Listen
}

func (p *process) listTunnels(rows []tunnelStatus) error {
	if len(rows) == 0 {
		_, err := fmt.Fprintf(p.stderr, "ssmguard: no tunnels; %q writes one\n", "ssmguard tunnel add")
		return err
	}
	t := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
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
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", s.Tunnel, s.Name, cmp.Or(s.Listen, "-"), open, up, down, since, process, strings.Join(strings.Fields(s.Error), " "))
	}
	return t.Flush()
}
