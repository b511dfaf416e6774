package channel

import (
	"context"
	"errors"
	"time"

	"ssmguard/proxy/channel/wire"
)

// run keeps the channel connected until it has to stop.
func (c *Channel) run(l *link) {
	defer close(c.ended)
	failed := 0
	for {
		useful, err := c.serve(l)
		if c.quit.Err() != nil {
			return
		}
		if final(err) {
			c.stop(err)
			return
		}
		if useful {
			failed = 0
		}
		c.event(Event{Kind: Lost, Err: err})
		if l, failed, err = c.dialer.resume(c.quit, err, failed); err != nil {
			if c.quit.Err() == nil {
				c.stop(err)
			}
			return
		}
		c.resumed.Add(1)
		c.event(Event{Kind: Resumed})
	}
}

// lastRead is how long the reader may take for what arrived before a connection broke.
const lastRead = 100 * time.Millisecond

// serve uses one connection until it fails or the channel stops. useful reports
// whether the connection was of use: whether a message came, or it lasted.
func (c *Channel) serve(l *link) (useful bool, err error) {
	now := time.Now()
	c.out.connected(l, now)
	halt := make(chan struct{})
	reading, writing := make(chan error, 1), make(chan error, 1)
	go c.guarded(func() { reading <- c.in.readAll(l, halt) })
	go c.guarded(func() { writing <- c.out.writeAll(l, halt) })
	broken := false
	select {
	case err = <-reading:
		reading <- err
	case err = <-writing:
		writing <- err
		broken = true
	case <-c.quit.Done():
		c.sayGoodbye(reading, writing)
	}
	close(halt)
	c.out.disconnected()
	if broken { // what has arrived can still be read
		endsWithin(reading, lastRead)
	}
	polite := c.quit.Err() != nil && endsWithin(writing, c.opt.farewell)
	l.close(polite)
	<-reading
	<-writing
	c.out.notePongs(l.ponged, err)
	return l.heard || time.Since(now) > c.opt.Silence && !isTimeout(err), err
}

// endsWithin waits for a goroutine's result, and leaves it in place.
func endsWithin(result chan error, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case err := <-result:
		result <- err
		return true
	case <-t.C:
		return false
	}
}

// sayGoodbye tells the agent that the session is over, if it is we who end it.
func (c *Channel) sayGoodbye(reading, writing chan error) {
	if errors.Is(context.Cause(c.quit), ErrSessionGone) {
		return
	}
	if c.knowsTerminate.Load() {
		c.out.sendNow(wire.PayloadFlag, wire.AppendFlag(nil, wire.TerminateSession))
	}
	t := time.NewTimer(c.opt.farewell)
	defer t.Stop()
	select {
	case <-c.out.drain():
	case <-t.C:
	case err := <-reading:
		reading <- err
	case err := <-writing:
		writing <- err
	}
}

func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}
