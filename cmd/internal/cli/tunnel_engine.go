package cli

import (
	"context"
	"errors"
	"sync"
	"time"

	"ssmguard/proxy"
	"ssmguard/proxy/channel"
	"ssmguard/proxy/door"
)

// nativeTunnel carries sessions of a tunnel over our own data channel. Every
// lane runs it with sessions of its own; they share the local end.
type nativeTunnel struct {
	*dialer
	door    *door.Door
	inlet   *channel.Inlet
	wait    time.Duration // for the remote port to answer; 0 does not ask
	traffic *traffic
	// note is told what happens within one session, and hindered what keeps it from
	// being resumed.
	note     func(s *proxy.Session, e channel.Event)
	hindered func(s *proxy.Session, err error)
}

// Run implements proxy.Plugin.
func (n *nativeTunnel) Run(ctx context.Context, s *proxy.Session, _ proxy.Streams, ready func()) error {
	refused := make(chan struct{}, 1)
	ch, err := n.dialWatched(ctx, s, func(e channel.Event) {
		if e.Kind == channel.Refused {
			signalOnce(refused)
		}
		n.note(s, e)
	}, func(err error) { n.hindered(s, err) })
	if err != nil {
		return err
	}
	defer ch.Close()
	defer n.traffic.carry(ch)()
	further := &furtherSessions{dialer: n.dialer, spec: s.Spec, traffic: n.traffic}
	defer further.wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- ch.Forward(ctx, n.inlet, channel.ForwardOptions{More: further.open}) }()
	if n.wait > 0 {
		if err := n.answered(ctx, ch, refused); err != nil {
			cancel()
			return errors.Join(err, <-ended)
		}
	}
	ready()
	return <-ended
}

func signalOnce(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// furtherSessions opens sessions beside the first one, for agents that carry one
// connection each.
type furtherSessions struct {
	*dialer
	spec    proxy.Spec
	traffic *traffic
	running sync.WaitGroup
}

// open starts a session and a channel to it; the session ends with the channel.
func (f *furtherSessions) open(ctx context.Context) (*channel.Channel, error) {
	s, err := f.api.Open(ctx, f.spec)
	if err != nil {
		return nil, err
	}
	ch, err := f.dial(ctx, s, func(channel.Event) {})
	if err != nil {
		return nil, errors.Join(err, f.end(ctx, s.ID))
	}
	done := f.traffic.carry(ch)
	f.running.Go(func() {
		<-ch.Done()
		done()
		f.end(ctx, s.ID) //nolint:errcheck // what cannot be reached ends by its idle timeout
	})
	return ch, nil
}

func (f *furtherSessions) end(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), terminateTimeout)
	defer cancel()
	return f.api.Terminate(ctx, id)
}

// wait returns when every session has ended.
func (f *furtherSessions) wait() { f.running.Wait() }
