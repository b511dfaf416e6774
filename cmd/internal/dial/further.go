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
	Dialer  *Dialer
	Spec    proxy.Spec
	Traffic *Traffic
	running sync.WaitGroup
}

// Open starts a session and a channel to it; the session ends with the channel.
func (f *FurtherSessions) Open(ctx context.Context) (*channel.Channel, error) {
	s, err := f.Dialer.API.Start(ctx, f.Spec)
	if err != nil {
		return nil, err
	}
	ch, err := f.Dialer.Dial(ctx, s, func(channel.Event) {})
	if err != nil {
		return nil, errors.Join(err, proxy.End(ctx, f.Dialer.API, s.ID))
	}
	done := f.Traffic.Carry(ch)
	f.running.Go(func() {
		<-ch.Done()
		done()
		proxy.End(ctx, f.Dialer.API, s.ID) //nolint:errcheck // a session that could not be ended ends by its idle timeout
	})
	return ch, nil
}

// Wait returns when every session has ended.
func (f *FurtherSessions) Wait() { f.running.Wait() }
