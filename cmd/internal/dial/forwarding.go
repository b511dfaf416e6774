package dial

import (
	"context"
	"errors"
	"time"

	"ssmguard/proxy"
	"ssmguard/proxy/channel"
)

// Forwarding carries the connections of an inlet over sessions of our own data channel, one
// after the other. It is a proxy.Plugin.
type Forwarding struct {
	Dialer  *Dialer
	Inlet   *channel.Inlet
	Traffic *Traffic
	// Idle is how long a session without connections is kept; after it Run returns
	// proxy.ErrIdle. 0: as long as it lives.
	Idle time.Duration
	// Opened is called when the session's connections are being carried, and may wait for its
	// remote port: an error ends the session. refused gets a value for each connection that
	// the agent could not make. nil: the session is ready at once.
	Opened func(ctx context.Context, ch *channel.Channel, refused <-chan struct{}) error
	// Note gets the events within a session, Hindered the errors of attempts to resume it.
	Note     func(s *proxy.Session, e channel.Event)
	Hindered func(s *proxy.Session, err error)
}

// Run implements proxy.Plugin.
func (f *Forwarding) Run(ctx context.Context, s *proxy.Session, _ proxy.Streams, ready func()) error {
	refused := make(chan struct{}, 1)
	ch, err := f.Dialer.DialWatched(ctx, s, func(e channel.Event) {
		if e.Kind == channel.Refused {
			proxy.Signal(refused)
		}
		f.Note(s, e)
	}, func(err error) { f.Hindered(s, err) })
	if err != nil {
		return err
	}
	defer ch.Close()
	defer f.Traffic.Carry(ch)()
	further := &FurtherSessions{Dialer: f.Dialer, Spec: s.Spec, Traffic: f.Traffic}
	defer further.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		ended <- ch.Forward(ctx, f.Inlet, channel.ForwardOptions{More: further.Open, Idle: f.Idle})
	}()
	if f.Opened != nil {
		if err := f.Opened(ctx, ch, refused); err != nil {
			cancel()
			return errors.Join(err, <-ended)
		}
	}
	ready()
	return <-ended
}
