package channel

import (
	"context"
	"errors"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"ssmguard/proxy/channel/reliable"
)

// liveness is what is known of the connection: whether there is one, when it was
// last heard, and how long it leaves our pings unanswered. The Channel's lock
// guards it, but for heard.
type liveness struct {
	begun   time.Time
	heard   atomic.Int64    // when something last came, since begun
	up      context.Context // ends with the connection; nil while there is none
	down    context.CancelFunc
	upSince time.Time
	changed chan struct{} // closed at the next change of up
	holes   bool          // what the agent sent is known to be incomplete
	again   time.Time     // when a message last came that we had: the agent still catches up

	nextPing time.Time
	lastPing time.Time
	pings    int
	answered bool      // the gateway answers pings
	asked    time.Time // when the ping was sent that is waited for; zero: none is
	askedID  string
}

// connected notes that there is a connection. The caller holds the lock.
func (v *liveness) connected(ctx context.Context, now time.Time) {
	v.up, v.down = context.WithCancel(ctx)
	v.upSince, v.nextPing, v.asked = now, now, time.Time{}
	close(v.changed)
	v.changed = make(chan struct{})
}

// disconnected notes that it is gone. The caller holds the lock.
func (v *liveness) disconnected() {
	v.down()
	v.up = nil
	close(v.changed)
	v.changed = make(chan struct{})
}

// hear notes that something came.
func (v *liveness) hear(now time.Time) { v.heard.Store(int64(now.Sub(v.begun))) }

// ping returns the payload of the ping that is sent now. The caller holds the lock.
func (v *liveness) ping(now time.Time, every time.Duration) []byte {
	v.pings++
	id := "keepalive " + strconv.Itoa(v.pings)
	v.lastPing, v.nextPing = now, now.Add(every)
	if v.asked.IsZero() {
		v.asked, v.askedID = now, id
	}
	return []byte(id)
}

// lateAnswer is how late an answer to a ping is when the line must have been held
// up: what was held up with it may come right behind.
const lateAnswer = 2 * time.Second

// late reports whether an answer is. The caller holds the lock.
func (v *liveness) late(now time.Time) bool {
	return v.answered && !v.asked.IsZero() && now.Sub(v.asked) > lateAnswer
}

// pong notes an answer; one without a payload answers any ping.
func (c *Channel) pong(data string) {
	now := time.Now()
	c.live.hear(now)
	c.mu.Lock()
	if data == "" || data == c.live.askedID {
		if c.live.late(now) {
			c.live.upSince = now
		}
		c.live.answered = true
		c.live.asked = time.Time{}
	}
	c.mu.Unlock()
}

// catchesUp notes that the agent repeats itself, since acknowledgements were
// lost: what it has to say next waits behind that.
func (c *Channel) catchesUp() {
	c.mu.Lock()
	c.live.again = time.Now()
	c.mu.Unlock()
}

// silentFor returns how much longer it takes until it is certain that the agent
// has had nothing to say for d since a moment, or how long to wait before asking
// again; 0 means that it is. Only a connection that is known to have been whole
// meanwhile can tell.
func (c *Channel) silentFor(since time.Time, d time.Duration, now time.Time) time.Duration {
	const again = 100 * time.Millisecond
	c.mu.Lock()
	defer c.mu.Unlock()
	v := &c.live
	if v.up == nil || v.holes || v.late(now) || c.tx.Paused || c.blocked {
		return again
	}
	enough := reliable.Latest(since, v.upSince, v.again).Add(d)
	if left := enough.Sub(now); left > 0 {
		return left
	}
	if c.mute || !v.begun.Add(time.Duration(v.heard.Load())).Before(enough) {
		return 0
	}
	if v.lastPing.Before(enough) {
		v.nextPing = now
		c.wake()
	}
	return again
}

// pingNow has a ping sent at once.
func (c *Channel) pingNow() {
	c.mu.Lock()
	c.live.nextPing = time.Now()
	c.mu.Unlock()
	c.wake()
}

// heldUp returns for how long, since a moment, the reader has kept an answer to
// our ping waiting: how late it is with everything else.
func (c *Channel) heldUp(since, now time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.live.asked.IsZero() {
		return 0
	}
	return now.Sub(reliable.Latest(since, c.live.asked))
}

// accept takes the next connection from in while the channel is connected. Those
// that come meanwhile wait: for this one to come back, or for another.
func (c *Channel) accept(ctx context.Context, in *Inlet, load func() int) (net.Conn, error) {
	for {
		c.mu.Lock()
		up, changed := c.live.up, c.live.changed
		c.mu.Unlock()
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
