package dial

import (
	"context"
	"errors"
	"sync"

	"ssmguard/proxy"
	"ssmguard/proxy/channel"
)

// FurtherSessions opens sessions beside the first one, for agents that carry one
// connection each.
type FurtherSessions struct {
	*Dialer
	Spec    proxy.Spec
	Traffic *Traffic
	running sync.WaitGroup
}

// Open starts a session and a channel to it; the session ends with the channel.
func (f *FurtherSessions) Open(ctx context.Context) (*channel.Channel, error) {
	s, err := f.API.Open(ctx, f.Spec)
	if err != nil {
		return nil, err
	}
	ch, err := f.Dial(ctx, s, func(channel.Event) {})
	if err != nil {
		return nil, errors.Join(err, f.end(ctx, s.ID))
	}
	done := f.Traffic.Carry(ch)
	f.running.Go(func() {
		<-ch.Done()
		done()
		f.end(ctx, s.ID) //nolint:errcheck // what cannot be reached ends by its idle timeout
	})
	return ch, nil
}

func (f *FurtherSessions) end(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), TerminateTimeout)
	defer cancel()
	return f.API.Terminate(ctx, id)
}

// Wait returns when every session has ended.
func (f *FurtherSessions) Wait() { f.running.Wait() }
