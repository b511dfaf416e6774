package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"ssmguard/cmd/internal/report"
	"ssmguard/guard/policy"
	"ssmguard/proxy/door"
)

// tunnelCheck tells of each tunnel whether it may be opened, and whether its
// local end is free; without a name, of all that are configured. The exit code is
// the worst of check's.
func (p *process) tunnelCheck(ctx context.Context, o *tunnelOptions) error {
	c, err := p.loadConfig(len(o.Words) == 0, o.Words...)
	if err != nil {
		return err
	}
	if len(o.Words) == 0 && o.Spot.Target == "" {
		o.Words = slices.Sorted(maps.Keys(c.Tunnels))
	}
	selected, err := o.selected(c)
	if err != nil {
		return err
	}
	worst, broken := policy.Allow, error(nil)
	for _, conf := range selected {
		if len(selected) > 1 && o.Output != "json" {
			fmt.Fprintf(p.stderr, "ssmguard: tunnel %s:\n", conf.Name)
		}
		verdict, err := p.checkTunnel(ctx, &tunnel{conf: conf}, o)
		if err != nil {
			fmt.Fprintf(p.stderr, "ssmguard: %s: %v\n", conf.Name, err)
			broken = errors.Join(broken, err)
			continue
		}
		if verdict.Denies() || worst == policy.Allow {
			worst = verdict
		}
	}
	if broken != nil && !worst.Denies() {
		return endWith(exitCode(broken))
	}
	return verdictStatus(worst)
}

func (p *process) checkTunnel(ctx context.Context, t *tunnel, o *tunnelOptions) (policy.Verdict, error) {
	r, _ := p.registry() // without a home nothing is known to be open
	if held, err := r.holding(t.conf.Name); err != nil || len(held) == 0 {
		if err := t.openDoor(o.Remote); err != nil {
			var taken *door.InUseError
			if !errors.As(err, &taken) {
				return policy.Unknown, err
			}
			fmt.Fprintf(p.stderr, "ssmguard: warning: %s: %v\n", t.conf.Name, taken)
		}
	}
	defer tunnels{t}.close()
	if err := t.enter(ctx, p, o); err != nil {
		return policy.Unknown, err
	}
	decision, err := t.ask(ctx, t.world)
	if err != nil {
		return policy.Unknown, err
	}
	if o.Output == "json" {
		return decision.Verdict(), render(report.NewJSON(p.stdout), decision, true)
	}
	return decision.Verdict(), t.show(decision, true)
}
