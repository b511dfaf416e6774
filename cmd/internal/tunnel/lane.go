package tunnel

import (
	"context"
	"errors"

	"ssmguard/cmd/internal/ask"
	"ssmguard/cmd/internal/dial"
	"ssmguard/cmd/internal/exit"
	"ssmguard/proxy"
	"ssmguard/proxy/channel"
)

// lane is one of the sessions that a tunnel keeps open at a time. It opens and
// carries them for a proxy.Supervisor.
type lane struct {
	tunnel *tunnel
	number int
	place  *place // where Open has opened a session
}

// Open implements proxy.Opener. A place that the tunnel has not found yet is found.
func (l *lane) Open(ctx context.Context) (_ *proxy.Session, err error) {
	if l.place, err = l.tunnel.place.get(ctx); err != nil {
		return nil, err
	}
	return l.place.open(ctx, l.tunnel.progress.say)
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
	return s.Run(ctx, proxy.Tunnel{Name: t.conf.Name, Listen: t.near.door.String()}, proxy.Streams{Out: t.stderr, Err: t.stderr})
}

// final reports whether an error ends the tunnel. Before it was ready for the first
// time that is everything but what passes by itself; later, when it is known to
// work, only what AWS will not take back.
func (t *tunnel) final(err error) bool {
	if !t.progress.wasReady() {
		return t.retryFor == 0 || !dial.Passes(err)
	}
	if errors.Is(err, channel.ErrSessionGone) {
		return false // what was refused is to resume the session; a new one can be had
	}
	return exit.As[*proxy.Refused](err) && !dial.Passes(err) && !ask.IsOutdated(err)
}
