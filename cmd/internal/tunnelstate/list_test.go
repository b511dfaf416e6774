package tunnelstate

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ssmguard/cmd/internal/dial"
	"ssmguard/cmd/internal/keeper"
)

// TestListRows: the table has a column for everything, a narrow terminal a few lines without what
// a tunnel has not; a tunnel that is not ready says what it waits for.
func TestListRows(t *testing.T) {
	now := time.Date(2026, 11, 21, 8, 30, 0, 0, time.UTC)
	ready := keeper.Status{Tunnel: "orders", Name: "ready", Process: "dev", Listen: "127.0.0.1:15432", Leads: "db:5432 through bastion", File: "/home/ann/.config/ssmguard/config.yaml",
		Since: now.Add(-62 * time.Second), Counts: dial.Counts{Open: 2, Up: 2048, Down: 512}}
	waiting := keeper.Status{Tunnel: "web", Name: "waiting", PID: 17, Foreground: true, Listen: "127.0.0.1:8080", Leads: "port 80 of i-1",
		Since: now, Unready: now.Add(-12 * time.Second), Attempt: 3, Next: now.Add(3500 * time.Millisecond), Error: "throttled\nby AWS", Refused: 1}
	down := keeper.Status{Tunnel: "cache", Name: "down", Listen: "127.0.0.1:6379", Leads: "elasticache carts through bastion"}
	widths := []int{6, 7, 15, 1, 7, 5, 4, 26, 23, 30, 0}
	for _, test := range []struct {
		s           keeper.Status
		row, narrow string
	}{
		{ready,
			"orders  ready    127.0.0.1:15432  2  2.0 KiB  512 B  1m2s  dev                         db:5432 through bastion  ~/.config/ssmguard/config.yaml  \n",
			"orders  ready  127.0.0.1:15432\n  to db:5432 through bastion\n  2 open, up 2.0 KiB, down 512 B, for 1m2s\n  process dev\n  ~/.config/ssmguard/config.yaml\n"},
		{waiting,
			"web     waiting  127.0.0.1:8080   0  0 B      0 B    0s    pid 17, in the foreground   port 80 of i-1           -                               attempt 3 in 4s, for 12s: throttled by AWS; 1 connection of another user refused\n",
			"web  waiting  127.0.0.1:8080\n  to port 80 of i-1\n  0 open, up 0 B, down 0 B, for 0s\n  process pid 17, in the foreground\n  attempt 3 in 4s, for 12s: throttled by AWS; 1 connection of another user refused\n"},
		{down,
			"cache   down     127.0.0.1:6379   -  -        -      -     -                           elasticache carts through bastion  -                               \n",
			"cache  down  127.0.0.1:6379\n  to elasticache carts through bastion\n"},
	} {
		cells := cellsOf(test.s, now, "/home/ann")
		widths[8] = max(23, len(test.s.Leads))
		var row, narrow strings.Builder
		writeRow(&row, cells, widths, false)
		writeLines(&narrow, cells, false)
		if diff := cmp.Diff(test.row, row.String()) + cmp.Diff(test.narrow, narrow.String()); diff != "" {
			t.Errorf("%s: %s", test.s.Tunnel, diff)
		}
	}
	var coloured strings.Builder
	writeLines(&coloured, cellsOf(down, now, ""), true)
	writeLines(&coloured, cellsOf(ready, now, "")[:11], true)
	if !strings.Contains(coloured.String(), "orders  \x1b[32mready\x1b[m  127") || !strings.Contains(coloured.String(), "cache  down  ") {
		t.Errorf("%q", coloured.String())
	}
}

func TestNote(t *testing.T) {
	for want, s := range map[string]keeper.Status{
		"":                                     {},
		"no network":                           {Error: "no\nnetwork"},
		"1 connection of another user refused": {Refused: 1},
		"3 connections of other users refused": {Refused: 3},
		"no; 2 connections of other users refused": {Error: "no", Refused: 2},
	} {
		if got := note(s, time.Now()); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
