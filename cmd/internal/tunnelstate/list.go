package tunnelstate

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/keeper"
	"ssmguard/cmd/internal/live"
	"ssmguard/cmd/internal/report"
	"ssmguard/cmd/internal/trust"
	"ssmguard/cmd/internal/tunnelfile"
	"ssmguard/configs"
	"ssmguard/internal/safetext"
)

// List lists the open tunnels, the background tunnels that have ended without being
// closed, and the configured tunnels that are not open. The user's file may be faulty: what
// is open is listed all the same.
func List(ctx context.Context, p *env.Process, names []string, asJSON bool) error {
	rows, err := keeper.Known(p).Statuses(ctx)
	if err != nil {
		return err
	}
	c, faulty := trust.LoadConfigHere(p)
	if rows, err = rowsOf(withClosed(rows, c), c, names); err != nil {
		return cmp.Or(faulty, err)
	}
	warn(p, c, names)
	switch {
	case asJSON:
		enc := safetext.NewEncoder(p.Stdout)
		enc.SetIndent("", "  ")
		err = enc.Encode(append([]keeper.Status{}, rows...))
	case len(rows) > 0:
		err = listTunnels(p, rows)
	case faulty == nil && c.Unused == nil:
		safetext.Fprintf(p.Notes(), "ssmguard: no tunnels; %q writes one\n", "ssmguard tunnel add")
	}
	return errors.Join(faulty, err)
}

// withClosed adds the configured tunnels that no process has.
func withClosed(rows []keeper.Status, c configs.Config) []keeper.Status {
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
	return rows
}

// warn tells what is wrong with the configuration of tunnels.
func warn(p *env.Process, c configs.Config, names []string) {
	trust.WarnOf(p, c, names)
	for _, twin := range c.Twins() {
		if len(names) == 0 || slices.Contains(names, twin.First.Name) || slices.Contains(names, twin.Second.Name) {
			safetext.Fprintf(p.Notes(), "ssmguard: warning: %v\n", twin)
		}
	}
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

// note is the last column of a tunnel: what it waits for, and why, or why it has ended.
func note(s keeper.Status, now time.Time) string {
	text := live.Row{Since: s.Unready, Attempt: s.Attempt, Next: s.Next, Why: strings.Join(strings.Fields(s.Error), " ")}.Pending(now)
	if s.Refused == 0 {
		return text
	}
	refused := fmt.Sprintf("%d connections of other users refused", s.Refused)
	if s.Refused == 1 {
		refused = "1 connection of another user refused"
	}
	if text != "" {
		text += "; "
	}
	return text + refused
}

// listHead are the columns of the list.
var listHead = []string{"TUNNEL", "STATE", "LISTEN", "OPEN", "UP", "DOWN", "FOR", "PROCESS", "LEADS TO", "FILE", "NOTE"}

// stateColumn is the place of the state in a row.
const stateColumn = 1

// listTunnels prints rows as a table, or, on a terminal that is too narrow for it, each row as
// a few lines.
func listTunnels(p *env.Process, rows []keeper.Status) error {
	table := [][]string{listHead}
	for _, s := range rows {
		table = append(table, cellsOf(s, time.Now(), p.Getenv("HOME")))
	}
	widths := make([]int, len(listHead))
	for _, row := range table {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(safetext.Line(cell)))
		}
	}
	whole := 2 * (len(widths) - 1)
	for _, width := range widths {
		whole += width
	}
	columns, colour := env.Width(p.Stdout), env.IsTerminal(p.Stdout) && p.Colour()
	w := bufio.NewWriter(p.Stdout)
	for i, row := range table {
		switch {
		case columns == 0 || whole <= columns:
			writeRow(w, row, widths, colour)
		case i > 0:
			writeLines(w, row, colour)
		}
	}
	return w.Flush()
}

// cellsOf is the row of a tunnel; what it has not is "-".
func cellsOf(s keeper.Status, now time.Time, home string) []string {
	cells := []string{s.Tunnel, s.Name, s.Listen, "", "", "", "", s.Process, s.Leads, s.File}
	if !s.Since.IsZero() {
		cells[3], cells[4], cells[5] = strconv.Itoa(s.Open), report.Bytes(s.Up), report.Bytes(s.Down)
		cells[6] = now.Sub(s.Since).Round(time.Second).String()
	}
	if s.Foreground {
		cells[7] = fmt.Sprintf("pid %d, in the foreground", s.PID)
	}
	if rest, ok := strings.CutPrefix(s.File, home+string(filepath.Separator)); ok && home != "" {
		cells[9] = filepath.Join("~", rest)
	}
	for i := range cells {
		cells[i] = cmp.Or(cells[i], "-")
	}
	return append(cells, note(s, now))
}

// writeRow writes a row of the table, its state in colour.
func writeRow(w io.Writer, row []string, widths []int, colour bool) {
	for i, cell := range row[:len(row)-1] {
		pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(safetext.Line(cell))+2)
		if i == stateColumn {
			safetext.Fprintf(w, "%s%s", live.Painted(cell, cell, colour), pad)
			continue
		}
		safetext.Fprintf(w, "%s%s", cell, pad)
	}
	safetext.Fprintf(w, "%s\n", row[len(row)-1])
}

// writeLines writes a row as a few lines, without what it has not.
func writeLines(w io.Writer, row []string, colour bool) {
	said := func(before, cell, after string) string {
		if cell == "-" || cell == "" {
			return ""
		}
		return before + cell + after
	}
	safetext.Fprintf(w, "%s  %s%s\n", row[0], live.Painted(row[1], row[1], colour), said("  ", row[2], ""))
	for _, text := range []string{
		said("to ", row[8], ""),
		said("", row[3], " open") + said(", up ", row[4], "") + said(", down ", row[5], "") + said(", for ", row[6], ""),
		said("process ", row[7], ""),
		said("", row[9], ""),
		said("", row[10], ""),
	} {
		if text != "" {
			safetext.Fprintf(w, "  %s\n", text)
		}
	}
}
