package tunnel

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"ssmguard/proxy/channel"
	"ssmguard/proxy/door"
)

const (
	// graceToRefuse is how long a port that says nothing may take to refuse.
	graceToRefuse = time.Second
	// askAgain is the pause before a refused port is asked again.
	askAgain = 500 * time.Millisecond
)

// answered waits, for as long as wait, until the agent has made a connection to
// the remote port. Of agents that cannot tell, a probe finds out what it can.
func (n *nativeTunnel) answered(ctx context.Context, ch *channel.Channel, refused <-chan struct{}) error {
	within, cancel := context.WithTimeoutCause(ctx, n.wait,
		fmt.Errorf("the remote port did not answer within %v; can the target reach it?", n.wait))
	defer cancel()
	for {
		err := ch.Reach(within)
		switch {
		case errors.Is(err, errors.ErrUnsupported):
			return probe{n.near.door, n.wait, refused}.answered(ctx)
		case !errors.Is(err, channel.ErrRemotePort):
			return err
		}
		select {
		case <-within.Done():
			if ctx.Err() == nil {
				return fmt.Errorf("the remote port refused connections for %v; is a server listening there?", n.wait)
			}
			return context.Cause(ctx)
		case <-time.After(askAgain):
		}
	}
}

// probe finds out whether the far end of a tunnel answers, where nothing but the
// bytes that come from there can tell.
type probe struct {
	door    *door.Door
	wait    time.Duration   // for how long it asks
	refused <-chan struct{} // the agent said that the port refuses; nil: it cannot
}

// answered waits until a connection through the tunnel gets a byte, or is not
// refused within graceToRefuse: many servers wait for the client to speak first.
func (p probe) answered(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, p.wait, fmt.Errorf("the remote port did not answer within %v", p.wait))
	defer cancel()
	for {
		open, err := p.ask(ctx)
		if open || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(askAgain):
		}
	}
}

// ask makes one connection and tells whether it was let be.
func (p probe) ask(ctx context.Context) (open bool, err error) {
	conn, err := p.door.Dial(ctx)
	if err != nil {
		return false, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if err := conn.SetReadDeadline(time.Now().Add(graceToRefuse)); err != nil {
		return false, err
	}
	got, err := conn.Read(make([]byte, 1))
	var timeout net.Error
	switch {
	case got > 0:
		return true, nil
	case ctx.Err() != nil:
		return false, context.Cause(ctx)
	case !errors.As(err, &timeout) || !timeout.Timeout():
		return false, nil // closed
	}
	select {
	case <-p.refused:
		return false, nil
	default:
		return true, nil
	}
}
