package tunnel

import (
	"context"
	"errors"
	"maps"
	"slices"

	"ssmguard/cmd/internal/ask"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/keeper"
	"ssmguard/cmd/internal/report"
	"ssmguard/cmd/internal/trust"
	"ssmguard/configs"
	"ssmguard/guard/policy"
	"ssmguard/internal/nettext"
	"ssmguard/internal/safetext"
	"ssmguard/proxy/door"
)

// tunnelCheck prints for each tunnel whether it is allowed and whether its local end is
// free; without a name, for all configured tunnels, those of the user also if the
// project's file is faulty. The exit code is the worst of
// check's.
func tunnelCheck(ctx context.Context, p *env.Process, o *Options) error {
	worst, broken := policy.Allow, error(nil)
	if len(o.Words) == 0 && o.Spot.Target == "" && !o.leads() {
		all, err := trust.LoadConfigHere(p)
		if err != nil {
			return err
		}
		o.Words = slices.Sorted(maps.Keys(all.Tunnels))
		if err := all.Faulty(); err != nil {
			broken = exit.WithCode(err, exit.Config) // of those that the project's file has
			if len(o.Words) == 0 {
				return broken
			}
		}
	}
	c, err := trust.LoadNeeded(ctx, p, len(o.Words) == 0, o.Words...)
	if err != nil {
		return err
	}
	selected, err := o.selected(c)
	if err != nil {
		return err
	}
	if err := o.aim(ctx, p, selected); err != nil {
		return err
	}
	for _, twin := range configs.Twins(selected) {
		safetext.Fprintf(p.Notes(), "ssmguard: warning: %v\n", twin)
	}
	for _, conf := range selected {
		if len(selected) > 1 && o.Output != "json" {
			safetext.Fprintf(p.Notes(), "ssmguard: tunnel %s:\n", conf.Name)
		}
		verdict, err := checkTunnel(ctx, p, conf, o)
		if err != nil {
			safetext.Fprintf(p.Notes(), "ssmguard: %s: %s\n", conf.Name, safetext.Own(safetext.Paragraph(nettext.Of(err), "  ")))
			broken = errors.Join(broken, err)
			continue
		}
		if verdict.Denies() || worst == policy.Allow {
			worst = verdict
		}
	}
	if broken != nil && !worst.Denies() {
		return exit.EndWith(exit.Code(broken))
	}
	return exit.VerdictStatus(worst)
}

func checkTunnel(ctx context.Context, p *env.Process, conf configs.Tunnel, o *Options) (policy.Verdict, error) {
	r := keeper.Known(p)
	if held, err := r.Holding(conf.Name); err != nil || len(held) == 0 {
		near, err := listen(conf, o.Open.Remote, func(string) {})
		var taken *door.InUseError
		switch {
		case err == nil:
			defer near.close()
		case !errors.As(err, &taken):
			return policy.Unknown, err
		default:
			safetext.Fprintf(p.Notes(), "ssmguard: warning: %s: %v\n", conf.Name, taken)
		}
	}
	found, err := enter(ctx, p, conf, o)
	if err != nil {
		return policy.Unknown, err
	}
	defer found.close()
	line := found.far.line
	decision, err := line.Ask(ctx, found.attempt.Question)
	if err != nil {
		return policy.Unknown, err
	}
	if o.Output == "json" {
		return decision.Verdict(), ask.Render(report.NewJSON(p.Stdout), decision, true)
	}
	return decision.Verdict(), line.Show(decision, true)
}
