package channel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// ForwardOptions is for agents that carry one connection per session.
type ForwardOptions struct {
	// More opens one more session to the same port. When it fails, the connection
	// that it was for is reset; Forward returns the error if it carries no other.
	// With a nil More, Forward returns after the one connection that the channel
	// can carry.
	More func(ctx context.Context) (*Channel, error)
	// Limit is how many sessions may be open at once; further connections wait. Default 8.
	Limit int
	// Idle is how long Forward stays without a connection; then it returns proxy.ErrIdle.
	// 0: as long as the channel lives.
	Idle time.Duration
}

const defaultSessions = 8

// Forward carries connections from in to the remote port until ctx ends, which
// is no error, or the channel does. When it returns, the connections it carried
// are closed: reset, if the far side was not done with them, so that nobody
// takes half an answer for a whole one.
//
// What one connection's reader leaves unread is held in memory (Options.Buffer);
// when that is used up and others wait, it is reset (Options.Stall).
//
// While the connection to the gateway is lost no connection is taken from in:
// they wait, or go to another channel.
func (c *Channel) Forward(ctx context.Context, in *Inlet, opt ForwardOptions) error {
	if c.info.SessionType != Port || c.info.Properties.Type != localPortForwarding {
		return fmt.Errorf("a session of type %s forwards no port", c.info.SessionType)
	}
	if !c.info.Multiplexed {
		return unlessOver(c.forwardSingles(ctx, in, opt))
	}
	inner, cancel := c.within(ctx)
	defer cancel()
	return c.result(ctx, c.forwardMany(inner, cancel, in, opt.Idle))
}

// within returns a context that ends with ctx and with the channel.
func (c *Channel) within(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(c.quit, cancel)
	return ctx, func() { stop(); cancel() }
}

// result is what an engine returns: nothing if the caller's context ended, else
// the channel's end if it ended, else err.
func (c *Channel) result(ctx context.Context, err error) error {
	if ctx.Err() == nil && c.quit.Err() != nil {
		<-c.ended
		return c.cause()
	}
	return unlessOver(err)
}

func unlessOver(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return err
}

func (c *Channel) forwardMany(ctx context.Context, cancel context.CancelFunc, in *Inlet, idle time.Duration) error {
	m := newMux(ctx, c)
	if err := c.in.attach(m); err != nil {
		return err
	}
	defer m.wg.Wait()
	defer cancel()
	if !newerThan(c.info.AgentVersion, noKeepaliveAbove) {
		m.wg.Go(m.keepalive)
	}
	for {
		conn, err := untilIdle(ctx, idle, m.load, func(ctx context.Context) (net.Conn, error) { return c.accept(ctx, in, m.load) })
		if err != nil {
			return err
		}
		m.start(conn)
	}
}

// forwardSingles gives every connection a session of its own, the first one c.
// Sessions are not used twice: late bytes of one connection could reach the next.
// A connection that no session can be had for is reset, and the others go on;
// when there are none, the error is for the caller.
func (c *Channel) forwardSingles(ctx context.Context, in *Inlet, opt ForwardOptions) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	slots := make(chan struct{}, or(opt.Limit, defaultSessions))
	load := func() int { return len(slots) }
	conn, err := c.acceptFirst(ctx, in, load, opt.Idle)
	if err != nil {
		return err
	}
	slots <- struct{}{}
	accepting, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	var carried, failed atomic.Int32
	carried.Add(1)
	serve := func(conn io.ReadWriteCloser, open func(context.Context) (*Channel, error)) {
		defer func() { <-slots }()
		err := forwardSingle(ctx, conn, open)
		switch left := carried.Add(-1); {
		case err == nil:
			failed.Store(0)
		case ctx.Err() != nil:
		case left == 0:
			fail(err)
		default:
			c.event(Event{Kind: Unserved, Err: err})
			sleep(ctx, c.opt.Backoff.Pause(int(failed.Add(1))))
		}
	}
	wg.Go(func() { serve(conn, func(context.Context) (*Channel, error) { return c, nil }) })
	for opt.More != nil {
		select {
		case slots <- struct{}{}:
		case <-accepting.Done():
			return context.Cause(accepting)
		}
		conn, err := in.AcceptUntilIdle(accepting, func() int { return int(carried.Load()) }, opt.Idle)
		if err != nil {
			return err
		}
		carried.Add(1)
		wg.Go(func() { serve(conn, opt.More) })
	}
	return nil
}

// accept takes the next connection from in while the channel is connected. Those
// that come meanwhile wait: for this one to come back, or for another.
func (c *Channel) accept(ctx context.Context, in *Inlet, load func() int) (net.Conn, error) {
	for {
		up, changed := c.out.connection()
		if c.quit.Err() != nil {
			return nil, c.cause()
		}
		if up == nil || up.Err() != nil {
			select {
			case <-changed:
				continue
			case <-in.done:
				return nil, in.reason()
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			case <-c.quit.Done():
				return nil, c.cause()
			}
		}
		both, cancel := context.WithCancel(ctx)
		stop := context.AfterFunc(up, cancel)
		conn, err := in.Accept(both, load)
		stop()
		cancel()
		if err == nil && (up.Err() != nil || ctx.Err() != nil) {
			in.back(conn) // another channel's, or ours once there is a connection again
			if c.quit.Err() != nil || ctx.Err() != nil {
				return nil, context.Canceled
			}
			continue
		}
		if err == nil || ctx.Err() != nil || !errors.Is(err, context.Canceled) {
			return conn, err
		}
	}
}

// acceptFirst waits for the connection that c itself carries; if c ends before, it says why.
func (c *Channel) acceptFirst(ctx context.Context, in *Inlet, load func() int, idle time.Duration) (net.Conn, error) {
	ctx, cancel := c.within(ctx)
	defer cancel()
	conn, err := untilIdle(ctx, idle, load, func(ctx context.Context) (net.Conn, error) { return c.accept(ctx, in, load) })
	if err != nil && c.quit.Err() != nil {
		<-c.ended
		err = c.cause()
	}
	return conn, err
}

// forwardSingle carries one connection over a session of its own, and closes that.
func forwardSingle(ctx context.Context, conn io.ReadWriteCloser, open func(context.Context) (*Channel, error)) error {
	ch, err := open(ctx)
	if err != nil {
		reset(conn)
		return err
	}
	defer ch.Close()
	return ch.single(ctx, conn, false)
}
