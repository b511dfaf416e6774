package tunnel

import (
	"context"
	"time"

	"ssmguard/cmd/internal/bastion"
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
