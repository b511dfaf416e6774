package tunnel

import (
	"context"
	"slices"

	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/keeper"
	"ssmguard/cmd/internal/trust"
	"ssmguard/configs"
	"ssmguard/internal/safetext"
	"ssmguard/proxy"
)

// openElsewhere is a tunnel that another process of ours keeps open.
type openElsewhere struct {
	name, listen string
	server       string // the remote host
}

// reuse takes those of the named tunnels out of the command line that another process keeps
// open, as their files say them: a local port of theirs can be had only once. With options that
// change a tunnel, and without a local port of its own, it is opened anew.
func (o *Options) reuse(ctx context.Context, p *env.Process) ([]openElsewhere, error) {
	changed := o.Spot
	changed.Guard = "" // it may come from a variable
	if len(o.Words) == 0 || changed != (configs.Tunnel{LocalPort: -1}) {
		return nil, nil
	}
	c, err := trust.LoadConfigHere(p)
	if err != nil {
		return nil, nil //nolint:nilerr // opening them says what is wrong
	}
	tunnels, err := c.Select(o.Words...)
	if err != nil {
		return nil, nil //nolint:nilerr // likewise
	}
	open, err := keeper.Known(p).Statuses(ctx)
	if err != nil {
		return nil, err
	}
	var reused []openElsewhere
	var rest []string
	for _, t := range tunnels {
		at := slices.IndexFunc(open, func(s keeper.Status) bool {
			return s.Name == proxy.Ready.String() && s.Tunnel == t.Name && s.Leads == t.Leads() && s.File == t.File && s.Listen == t.LocalEnd()
		})
		if at < 0 {
			rest = append(rest, t.Name)
			continue
		}
		f := far{conf: t}
		if t.RDS != "" || t.ElastiCache != "" {
			if f, err = locate(ctx, p, t, o); err != nil {
				return nil, err
			}
		}
		reused = append(reused, openElsewhere{t.Name, open[at].Listen, f.conf.Host})
		safetext.Fprintf(p.Stderr, "ssmguard: %s is open already; the command uses that\n", t.Name)
	}
	if reused != nil {
		o.Words = rest
	}
	return reused, nil
}
