package tunnel

import (
	"context"
	"errors"

	"ssmguard/cmd/internal/ask"
	"ssmguard/cmd/internal/dial"
	"ssmguard/cmd/internal/exit"
	"ssmguard/guard/awsiam"
	"ssmguard/proxy"
	"ssmguard/proxy/channel"
)

// final tells whether an error ends the tunnel. Before it was ready for the first
// time that is everything but what passes by itself; later, when it is known to
// work, only what AWS will not take back.
func (t *tunnel) final(err error) bool {
	t.mu.Lock()
	everReady := t.everReady
	t.mu.Unlock()
	if !everReady {
		return t.retryFor == 0 || !dial.Passes(err)
	}
	if errors.Is(err, channel.ErrSessionGone) {
		return false // what was refused is to resume the session; a new one can be had
	}
	return exit.As[*proxy.Refused](err) && !dial.Passes(err) && !ask.IsOutdated(err)
}

// tunnelOpener opens the sessions of a tunnel. It sees to what may have changed
// since the last one: the place that the tunnel has not found yet, credentials
// that have run out, a target that was replaced.
type tunnelOpener struct{ *tunnel }

// Open implements proxy.Opener.
func (t tunnelOpener) Open(ctx context.Context) (*proxy.Session, error) {
	if err := t.takePlace(ctx); err != nil {
		return nil, err
	}
	session, err := t.api.Start(ctx, t.spec())
	if ask.IsOutdated(err) && t.credentials.Renew(ctx) == nil || t.moved(ctx, err) {
		session, err = t.api.Start(ctx, t.spec())
	}
	return session, err
}

// Terminate implements proxy.Opener.
func (t tunnelOpener) Terminate(ctx context.Context, id string) error {
	return t.api.Terminate(ctx, id)
}

func (t *tunnel) spec() proxy.Spec {
	t.placing.Lock()
	defer t.placing.Unlock()
	return t.World.Spec
}

// moved looks again for a target that was given by a name and is not connected,
// as when a bastion was replaced, and tells whether it is another node now.
func (t *tunnel) moved(ctx context.Context, err error) bool {
	var refused *proxy.Refused
	if !errors.As(err, &refused) || refused.Code != dial.NotConnected || awsiam.IsTargetID(t.conf.Target) {
		return false
	}
	t.placing.Lock()
	defer t.placing.Unlock()
	t.World.Evidence.Refresh()
	id, err := t.World.Evidence.ResolveTarget(ctx, t.World.Request.Region, t.conf.Target)
	if err != nil || id == t.World.Spec.Target {
		return false
	}
	t.say(t.conf.Target + " is now " + id)
	t.World.Request.Target, t.World.Spec.Target = id, id
	return true
}

// laneCarrier carries sessions of one lane with what the tunnel found to do so.
type laneCarrier struct {
	*tunnel
	lane int
}

// Run implements proxy.Plugin.
func (c laneCarrier) Run(ctx context.Context, s *proxy.Session, io proxy.Streams, ready func()) error {
	return c.carrier(c.lane).Run(ctx, s, io, ready)
}
