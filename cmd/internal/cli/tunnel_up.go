package cli

import (
	"context"

	"ssmguard/cmd/internal/report"
)

// tunnelUp opens tunnels and keeps them open until it is interrupted.
func (p *process) tunnelUp(ctx context.Context, o *tunnelOptions) error {
	ts, err := p.openTunnels(ctx, o)
	if err != nil {
		return err
	}
	defer ts.close()
	var events report.Events = report.NewEventText(p.stdout, "")
	if o.Output == "json" {
		events = report.NewEventJSON(p.stdout)
	}
	return ts.keep(ctx, events)
}
