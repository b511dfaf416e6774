package tunnel

import (
	"context"
	"errors"

	"ssmguard/cmd/internal/ask"
	"ssmguard/cmd/internal/dial"
	"ssmguard/cmd/internal/exit"
	"ssmguard/proxy"
	"ssmguard/proxy/awsssm"
	"ssmguard/proxy/channel"
)

// lane is one of the sessions that a tunnel keeps open at a time. It opens and
// carries them for a proxy.Supervisor.
type lane struct {
	tunnel *tunnel
	number int
	place  *place // the place of the last opened session
}

// Open implements proxy.Opener. It finds the tunnel's place first if that is still to
// be done.
func (l *lane) Open(ctx context.Context) (_ *proxy.Session, err error) {
	if l.place, err = l.tunnel.place.get(ctx); err != nil {
		return nil, err
	}
	return l.place.open(ctx, nil, l.tunnel.progress.say)
}

// Terminate implements proxy.Opener.
func (l *lane) Terminate(ctx context.Context, id string) error {
	return l.place.api.Terminate(ctx, id)
}

// Run implements proxy.Plugin.
func (l *lane) Run(ctx context.Context, s *proxy.Session, io proxy.Streams, ready func()) error {
	return l.place.carrier(l.number).Run(ctx, s, io, ready)
}

// keep keeps one session open behind the local end.
func (l *lane) keep(ctx context.Context) error {
	t := l.tunnel
	s := proxy.Supervisor{
		Opener: l, Plugin: l, Backoff: proxy.DefaultBackoff,
		OnEvent: func(e proxy.Event) { t.progress.inLane(l.number, e) }, Final: t.final, Patience: max(t.retryFor, 0),
	}
	if t.conf.IsLazy() {
		s.Wanted = t.near.inlet.Wanted
	}
	return s.Run(ctx, proxy.Tunnel{Name: t.conf.Name, Listen: t.near.door.String()}, proxy.Streams{Out: t.stderr, Err: t.stderr})
}

// final reports whether an error ends the tunnel. Before the tunnel was ready for the
// first time every error does that does not pass by itself; later, when the tunnel is
// known to work, only a lasting refusal does, and a session that leads to a host which is not
// trusted. So it is with a lazy tunnel that the guard has allowed, as its first session may come long
// after that.
func (t *tunnel) final(err error) bool {
	_, placed := t.place.known()
	if !t.progress.wasReady() && !(placed && t.conf.IsLazy()) {
		region := t.region.Load()
		return t.retryFor == 0 || !dial.Passes(err) || region != nil && exit.NoSuchRegion(*region, err)
	}
	if errors.Is(err, channel.ErrSessionGone) {
		return false // only resuming was refused: a new session may be allowed
	}
	if exit.As[*awsssm.StreamURLError](err) {
		return true
	}
	return exit.As[*proxy.Refused](err) && !dial.Passes(err) && !ask.IsOutdated(err)
}
