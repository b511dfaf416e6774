package tunnel

import (
	"context"
	"errors"
	"time"

	"ssmguard/cmd/internal/dial"
	"ssmguard/proxy"
	"ssmguard/proxy/channel"
)

// nativeTunnel carries sessions of a tunnel over our own data channel. Each lane uses
// it for its own sessions; all share the local end.
type nativeTunnel struct {
	dialer  *dial.Dialer
	near    listener
	wait    time.Duration // for the remote port to answer; 0: no wait
	traffic *dial.Traffic
	// note gets the events within one session, hindered the errors of attempts to resume
	// it.
	note     func(s *proxy.Session, e channel.Event)
	hindered func(s *proxy.Session, err error)
}

// Run implements proxy.Plugin.
func (n *nativeTunnel) Run(ctx context.Context, s *proxy.Session, _ proxy.Streams, ready func()) error {
	refused := make(chan struct{}, 1)
	ch, err := n.dialer.DialWatched(ctx, s, func(e channel.Event) {
		if e.Kind == channel.Refused {
			proxy.Signal(refused)
		}
		n.note(s, e)
	}, func(err error) { n.hindered(s, err) })
	if err != nil {
		return err
	}
	defer ch.Close()
	defer n.traffic.Carry(ch)()
	further := &dial.FurtherSessions{Dialer: n.dialer, Spec: s.Spec, Traffic: n.traffic}
	defer further.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- ch.Forward(ctx, n.near.inlet, channel.ForwardOptions{More: further.Open}) }()
	if n.wait > 0 {
		if err := n.answered(ctx, ch, s.Spec.RemoteEnd(), refused); err != nil {
			cancel()
			return errors.Join(err, <-ended)
		}
	}
	ready()
	return <-ended
}
