package tunnel

import (
	"context"
	"errors"
	"testing"

	"ssmguard/internal/sandbox/gateway"
	"ssmguard/internal/sandbox/sandboxtest"
	"ssmguard/proxy"
)

// stopped is a terminal that takes nothing until it is let go.
type stopped struct {
	goes chan struct{}
	took []int
}

// Event implements Events.
func (s *stopped) Event(e proxy.Event) error {
	<-s.goes
	s.took = append(s.took, e.Attempt)
	if e.Attempt == 2 {
		return errors.New("full")
	}
	return nil
}

// A tunnel whose events are not read still answers for its state.
func TestStoppedReaderHoldsUpNoTunnel(t *testing.T) {
	s := sandboxtest.Served(t, "seed2-fixed")
	p := inSandbox(t, s)
	ts := openedTunnels(t, p, toDatabase...)
	defer ts.close()
	events := &stopped{goes: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- ts.keep(ctx, events) }()
	k := kept{}
	conn, from := k.dial(t, ts[0].near.door.String())
	session, _ := s.Gateway.Session(s.Gateway.Sessions()[0].ID)
	session.Cut(gateway.CutRST)
	echoes(t, conn, from, "after a loss that nobody has heard of")
	cancel()
	close(events.goes)
	if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
