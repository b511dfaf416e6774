package relay

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
	// graceToRefuse is how long a port that sends nothing may take to refuse.
	graceToRefuse = time.Second
	// probePause is the pause before a refused port is tried again.
	probePause = 500 * time.Millisecond
)

// Reached waits, at most wait, until the agent of a channel has connected to the remote port,
// which remote names. For agents that do not report that, it uses a probe through d.
func Reached(ctx context.Context, ch *channel.Channel, d *door.Door, remote string, wait time.Duration, refused <-chan struct{}) error {
	within, cancel := context.WithTimeoutCause(ctx, wait,
		fmt.Errorf("%s did not answer within %v; can the target reach it?", remote, wait))
	defer cancel()
	for {
		err := ch.Reach(within)
		switch {
		case errors.Is(err, errors.ErrUnsupported):
			return probe{d, remote, wait, refused}.answered(ctx)
		case !errors.Is(err, channel.ErrRemotePort):
			return err
		}
		select {
		case <-within.Done():
			if ctx.Err() == nil {
				return fmt.Errorf("%s refused connections for %v; is a server listening there?", remote, wait)
			}
			return context.Cause(ctx)
		case <-time.After(probePause):
		}
	}
}

// probe finds out whether the remote port of a tunnel answers, from the bytes that come
// back through the tunnel.
type probe struct {
	door    *door.Door
	remote  string
	wait    time.Duration   // how long it tries
	refused <-chan struct{} // the agent reports a refusal; nil if the agent cannot
}

// answered waits until a connection through the tunnel gets a byte, or is not refused
// within graceToRefuse: many servers wait for the client to send first.
func (p probe) answered(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, p.wait, fmt.Errorf("%s did not answer within %v", p.remote, p.wait))
	defer cancel()
	for {
		open, err := p.ask(ctx)
		if open || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(probePause):
		}
	}
}

// ask makes one connection and reports whether it stayed open.
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
		return false, nil // the connection was closed
	}
	select {
	case <-p.refused:
		return false, nil
	default:
		return true, nil
	}
}
