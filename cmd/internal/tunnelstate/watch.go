package tunnelstate

import (
	"cmp"
	"context"
	"reflect"
	"sync"
	"time"

	"ssmguard/cmd/internal/dial"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/keeper"
	"ssmguard/cmd/internal/live"
	"ssmguard/cmd/internal/trust"
	"ssmguard/internal/safetext"
	"ssmguard/proxy"
)

// Watch lists tunnels as List does, until ctx ends: on a terminal a line for each, drawn anew
// in its place; elsewhere the table at each change, or as JSON a line for each tunnel that is
// other than before, what has passed through it aside.
func Watch(ctx context.Context, p *env.Process, names []string, asJSON bool) error {
	c, faulty := trust.LoadConfigHere(p)
	warn(p, c, names)
	var show func([]keeper.Status) error
	switch {
	case asJSON:
		show = eachChange(p)
	case !env.IsTerminal(p.Stdout) || p.Getenv("TERM") == "dumb":
		show = eachTable(p)
	default:
		var end func()
		show, end = onTerminal(ctx, p)
		defer end()
	}
	r := keeper.Known(p)
	first := true
	return r.Watch(ctx, func(rows []keeper.Status) error {
		kept, err := rowsOf(withClosed(rows, c), c, names)
		switch {
		case err != nil && first:
			return cmp.Or(faulty, err)
		case err != nil: // it is in no file, and was closed
			kept = nil
		}
		first = false
		return show(kept)
	})
}

// onTerminal draws the tunnels on a terminal until end is called.
func onTerminal(ctx context.Context, p *env.Process) (show func([]keeper.Status) error, end func()) {
	var mu sync.Mutex
	var now []live.Row
	display := live.New(p.Stdout, live.Terminal{Size: func() (int, int) { return env.Size(p.Stdout) }, Colour: p.Colour()}, func() []live.Row {
		mu.Lock()
		defer mu.Unlock()
		return now
	}, "Ctrl-C ends this list; the tunnels stay as they are")
	showing, stop := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	var once sync.Once
	return func(rows []keeper.Status) error {
			mu.Lock()
			now = now[:0:0]
			for _, s := range rows {
				now = append(now, rowOf(s))
			}
			mu.Unlock()
			once.Do(func() { running.Go(func() { display.Run(showing) }) })
			display.Redraw()
			return nil
		}, func() {
			stop()
			running.Wait()
		}
}

// rowOf is a tunnel as a line of a terminal.
func rowOf(s keeper.Status) live.Row {
	r := live.Row{
		Tunnel: s.Tunnel, Listen: s.Listen, Far: s.Leads, Since: s.Unready, Attempt: s.Attempt, Next: s.Next, Why: s.Error,
		Open: s.Open, Sent: s.Up, Received: s.Down, Rate: s.Rate, Reconnects: s.Reconnects, Expires: s.Expires,
	}
	if r.State.UnmarshalText([]byte(s.Name)) != nil {
		r.Called = s.Name
	}
	return r
}

// eachTable prints the table at first, and whenever it has other states.
func eachTable(p *env.Process) func([]keeper.Status) error {
	var before []keeper.Status
	first := true
	return func(rows []keeper.Status) error {
		now := withoutTraffic(rows)
		if !first && reflect.DeepEqual(before, now) {
			return nil
		}
		if !first {
			if _, err := safetext.Fprintf(p.Stdout, "\n"); err != nil {
				return err
			}
		}
		first, before = false, now
		return listTunnels(p, rows)
	}
}

// eachChange writes a line of JSON for each tunnel at first, and for each that changes. One
// that nothing has any more is written a last time, as down.
func eachChange(p *env.Process) func([]keeper.Status) error {
	enc := safetext.NewEncoder(p.Stdout)
	before := make(map[string]keeper.Status)
	return func(rows []keeper.Status) error {
		now := make(map[string]keeper.Status)
		for i, s := range withoutTraffic(rows) {
			key := safetext.Sprintf("%s %d", s.Tunnel, s.PID)
			now[key] = s
			if was, known := before[key]; known && reflect.DeepEqual(was, s) {
				continue
			}
			if err := enc.Encode(rows[i]); err != nil {
				return err
			}
		}
		for key, was := range before {
			if _, known := now[key]; known || hasEnded(was) || isListed(now, was.Tunnel) {
				continue
			}
			if err := enc.Encode(keeper.Status{Tunnel: was.Tunnel, Name: keeper.StateDown, Leads: was.Leads, File: was.File}); err != nil {
				return err
			}
		}
		before = now
		return nil
	}
}

// isListed reports whether a tunnel of a name is among the rows.
func isListed(rows map[string]keeper.Status, name string) bool {
	for _, s := range rows {
		if s.Tunnel == name {
			return true
		}
	}
	return false
}

// withoutTraffic returns the rows without the numbers that change while bytes pass.
func withoutTraffic(rows []keeper.Status) []keeper.Status {
	plain := make([]keeper.Status, len(rows))
	for i, s := range rows {
		s.Counts, s.Destinations, s.Expires = dial.Counts{}, 0, time.Time{}
		if s.Name == proxy.Ready.String() {
			s.Error = ""
		}
		plain[i] = s
	}
	return plain
}
