package channel

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gorilla/websocket"

	"ssmguard/proxy"
	"ssmguard/proxy/channel/reliable"
	"ssmguard/proxy/channel/wire"
)

// errSuspended is why a connection is given up after the machine slept.
var errSuspended = errors.New("the machine was suspended")

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
		if l, failed, err = c.resume(err, failed); err != nil {
			if c.quit.Err() == nil {
				c.stop(err)
			}
			return
		}
		c.mu.Lock()
		c.resumed++
		c.mu.Unlock()
		c.event(Event{Kind: Resumed})
	}
}

// resume connects again, with a new token for each attempt.
func (c *Channel) resume(cause error, failed int) (*link, int, error) {
	if c.opt.Resume == nil {
		return nil, 0, fmt.Errorf("%w: connection lost: %w", ErrSessionGone, cause)
	}
	ctx, cancel := c.quit, context.CancelFunc(func() {})
	if c.opt.ResumeFor > 0 {
		ctx, cancel = context.WithTimeout(ctx, c.opt.ResumeFor)
	}
	defer cancel()
	for refused := 0; ; failed++ {
		if failed > 0 {
			woke, ok := c.rest(ctx, c.opt.Backoff.Pause(failed))
			if !ok {
				return nil, failed, fmt.Errorf("%w: could not resume in time: %w", ErrSessionGone, cause)
			}
			if woke {
				failed = 0
			}
		}
		l, err := c.resumeOnce(ctx)
		var status *StatusError
		switch {
		case err == nil:
			return l, failed + 1, nil
		case errors.As(err, &status) && errors.Is(err, ErrRefused) && refused < maxRefused:
			refused++ // a token may have aged on the way; the next attempt has a new one
		case errors.Is(err, ErrSessionGone), errors.Is(err, ErrRefused):
			return nil, failed, err
		}
		cause = err
	}
}

// rest waits for d, or until the machine has woken from sleep, where the network
// may be another; ok is false when ctx ended first.
func (c *Channel) rest(ctx context.Context, d time.Duration) (woke, ok bool) {
	clocks := clocks{mono: time.Now(), wall: c.opt.wall()}
	for ; d > 0; d -= wakeAtMost {
		if !sleep(ctx, min(d, wakeAtMost)) {
			return false, false
		}
		if clocks.jumped(c.opt.wall()) {
			return true, true
		}
	}
	return false, true
}

// maxRefused is how many fresh tokens in a row the gateway may refuse.
const maxRefused = 5

func (c *Channel) resumeOnce(ctx context.Context) (*link, error) {
	try, cancel := context.WithTimeout(ctx, openTry)
	defer cancel()
	streamURL, token, err := c.opt.Resume(try, c.opt.Session.ID)
	if err != nil {
		return nil, fmt.Errorf("resuming the session: %w", err)
	}
	if token.Reveal() == "" {
		return nil, fmt.Errorf("%w: it cannot be resumed any more", ErrSessionGone)
	}
	if streamURL.Reveal() != "" {
		c.streamURL = streamURL
	}
	return c.connect(ctx, c.streamURL, token)
}

// serve uses one connection until it fails or the channel stops. useful tells
// whether it was of use: whether a message came, or it lasted.
func (c *Channel) serve(l *link) (useful bool, err error) {
	now := time.Now()
	heard, ponged := false, false
	c.mu.Lock()
	c.tx.Restart(now)
	c.live.connected(c.quit, now)
	c.pongs = nil
	if !c.mute {
		l.silence = c.opt.Silence
	}
	c.mu.Unlock()
	l.ws.SetPingHandler(func(data string) error { l.renew(); c.live.hear(time.Now()); c.queuePong(data); return nil })
	l.ws.SetPongHandler(func(data string) error { l.renew(); ponged = true; c.pong(data); return nil })
	l.ws.SetCloseHandler(func(int, string) error { return nil })

	halt := make(chan struct{})
	reading, writing := make(chan error, 1), make(chan error, 1)
	go c.guarded(func() { reading <- c.readAll(l, halt, &heard) })
	go c.guarded(func() { writing <- c.writeAll(l, halt) })
	select {
	case err = <-reading:
		reading <- err
	case err = <-writing:
		writing <- err
	case <-c.quit.Done():
		c.sayGoodbye(reading, writing)
	}
	close(halt)
	c.mu.Lock()
	c.live.disconnected()
	c.mu.Unlock()
	polite := false
	if c.quit.Err() != nil {
		polite = endsWithin(writing, farewell)
	}
	l.close(polite)
	<-reading
	<-writing
	c.notePongs(ponged, err)
	return heard || time.Since(now) > c.opt.Silence && !isTimeout(err), err
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
	if c.terminable() {
		c.sendNow(wire.PayloadFlag, wire.AppendFlag(nil, wire.TerminateSession))
	}
	t := time.NewTimer(farewell)
	defer t.Stop()
	select {
	case <-c.drain():
	case <-t.C:
	case err := <-reading:
		reading <- err
	case err := <-writing:
		writing <- err
	}
}

// terminable reports whether the agent knows the TerminateSession flag.
func (c *Channel) terminable() bool { return newerThan(c.agentVersion(), terminateFlagAbove) }

// drain returns a channel that is closed once nothing waits for an acknowledgement.
func (c *Channel) drain() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	drained := make(chan struct{})
	c.drained = drained
	c.checkDrained()
	return drained
}

func (c *Channel) checkDrained() {
	if c.drained != nil && c.tx.All.Oldest() == nil {
		close(c.drained)
		c.drained = nil
	}
}

// notePongs remembers a gateway that never answers pings, against RFC 6455: its
// silence is no sign then.
func (c *Channel) notePongs(ponged bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ponged = c.ponged || ponged
	c.mute = !c.ponged && (c.mute || isTimeout(err))
}

func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}

func (c *Channel) queuePong(data string) {
	c.mu.Lock()
	if len(c.pongs) < 8 {
		c.pongs = append(c.pongs, reliable.AppendWebsocket(nil, websocket.PongMessage, []byte(data)))
	}
	c.mu.Unlock()
	c.wake()
}

func (c *Channel) wake() {
	proxy.Signal(c.kick)
}
