package tunnel

import (
	"context"
	"time"

	"ssmguard/cmd/internal/bastion"
	"ssmguard/cmd/internal/env"
	"ssmguard/configs"
)

// explainTime is the time limit for reading what an explanation needs.
const explainTime = 15 * time.Second

// watchFar waits until the far port of the tunnel is in doubt, and says then why it may not be
// reached. Nothing is read of a tunnel that works.
func (t *tunnel) watchFar(ctx context.Context) {
	w := bastion.Watch{Refused: t.refused, Counts: func() (open int, up, down int64) {
		c := t.traffic.Counts()
		return c.Open, c.Up, c.Down
	}}
	if doubt, err := w.Wait(ctx); err == nil {
		t.explainFar(ctx, doubt)
	}
}

// explainFar says, once, whether security groups let the target reach the database that the
// tunnel leads to.
func (t *tunnel) explainFar(ctx context.Context, doubt bastion.Doubt) {
	found, known := t.place.known()
	if !known {
		return
	}
	t.doubted.Do(func() {
		ctx, cancel := context.WithTimeout(ctx, explainTime)
		defer cancel()
		evidence := found.far.line.Gather(found.far.aws)
		defer evidence.Close()
		lines := bastion.Explain(ctx, evidence, found.far.aws.Config, t.conf, found.spec().Target, doubt)
		if len(lines) == 0 || ctx.Err() != nil {
			return
		}
		if first := doubt.Line(found.spec().RemoteEnd()); first != "" {
			t.progress.say(first)
		}
		for _, line := range lines {
			t.progress.say(line)
		}
	})
}

// wake starts the targets that are stopped, of tunnels that have them started, once the guard
// has allowed these. A process in the background has no user to ask: the command that starts it
// has asked.
func wake(ctx context.Context, p *env.Process, o *Options, selected []configs.Tunnel) error {
	for _, conf := range selected {
		if conf.Start != configs.On || conf.Target == "" || p.Getenv(processVariable) != "" {
			continue
		}
		session := conf
		session.Host, session.Port = "", max(conf.Port, 1) // what is looked up does not matter to the target
		line, err := sessionLine(p, session, o)
		if err != nil {
			return err
		}
		err = bastion.Start(ctx, line, o.Open.Yes, func(ctx context.Context) error {
			found, err := enter(ctx, p, conf, o)
			if err != nil {
				return err
			}
			defer found.close()
			return found.permitted(ctx)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
