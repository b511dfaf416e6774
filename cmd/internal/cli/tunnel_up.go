package cli

import (
	"context"
	"sync"

	"golang.org/x/term"

	"ssmguard/cmd/internal/report"
)

// tunnelUp opens tunnels and keeps them open until it is interrupted.
func (p *process) tunnelUp(ctx context.Context, o *tunnelOptions) error {
	switch name := p.getenv(processVariable); {
	case o.Background && name != "":
		return p.tunnelProcess(ctx, o, name)
	case o.Background:
		return p.upBackground(ctx, o)
	}
	ts, err := p.openTunnels(ctx, o)
	if err != nil {
		return err
	}
	defer ts.close()
	out := fileOf(p.stdout)
	switch {
	case o.Output == "json":
		return ts.keep(ctx, report.NewEventJSON(p.stdout))
	case out == nil || !term.IsTerminal(int(out.Fd())):
		return ts.keep(ctx, report.NewEventText(p.stdout, ""))
	}
	live := report.NewLive(out, ts.rows)
	showing, stop := context.WithCancel(context.WithoutCancel(ctx))
	var shown sync.WaitGroup
	shown.Go(func() { live.Run(showing) })
	err = ts.keep(ctx, live)
	stop()
	shown.Wait()
	return err
}

// rows is what a terminal shows of the tunnels.
func (ts tunnels) rows() []report.LiveRow {
	var rows []report.LiveRow
	for _, t := range ts {
		s := t.status()
		rows = append(rows, report.LiveRow{
			Tunnel: s.Tunnel, State: s.State, Listen: s.Listen, Open: s.Open, Up: s.Up, Down: s.Down, Resumed: s.Resumed, Expires: s.Expires,
		})
	}
	return rows
}
