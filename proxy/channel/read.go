package channel

import (
	"encoding/json"
	"fmt"
	"time"

	"ssmguard/proxy/channel/reliable"
	"ssmguard/proxy/channel/wire"
)

// readAll handles what comes on l until it fails or halt is closed.
func (c *Channel) readAll(l *link, halt <-chan struct{}, heard *bool) error {
	var t trickle
	for {
		bulk := c.waitForRoom(halt)
		b, err := l.read()
		if err != nil {
			return err
		}
		*heard = true
		now := time.Now()
		c.live.hear(now)
		pause := t.came(len(b), c.spoke.Load(), now)
		c.steady.Store(t.on && bulk)
		if err := c.handle(b); err != nil {
			return err
		}
		if pause > 0 && bulk {
			setLowWater(l.nc, trickleWater)
			t.rest(pause, halt, c.talking)
			setLowWater(l.nc, 1)
		}
	}
}

// waitForRoom holds the reader while local readers have too much to catch up
// with. The far side feels it as a slow connection. Our own timeouts rest
// meanwhile, for the acknowledgements are not read either. bulk is the engine's.
func (c *Channel) waitForRoom(halt <-chan struct{}) (bulk bool) {
	c.engineMu.Lock()
	e, early := c.engine, c.early
	c.engineMu.Unlock()
	bulk = e != nil && e.bulk()
	if e == nil && early < preAttach || e != nil && !e.full() {
		return bulk
	}
	c.setBlocked(true)
	defer c.setBlocked(false)
	if e != nil {
		e.room(halt)
		return bulk
	}
	select {
	case <-c.attached:
	case <-c.quit.Done():
	case <-halt:
	}
	return bulk
}

func (c *Channel) setBlocked(on bool) {
	c.mu.Lock()
	c.blocked = on
	if !on {
		c.tx.Rest(time.Now())
	}
	c.mu.Unlock()
	c.wake()
}

// handle takes one message of the gateway. What is malformed is dropped: if it
// was a stream message, it is not acknowledged and so comes again.
func (c *Channel) handle(b []byte) error {
	var f wire.Frame
	if f.Decode(b) != nil || f.Verify() != nil {
		return nil
	}
	switch f.Type {
	case wire.OutputStreamData:
		if f.Seq < c.rx.Expected {
			c.catchesUp()
		}
		ack, err := c.rx.Accept(&f, c.deliver)
		if ack {
			c.queueAck(f.ID, f.Seq)
		}
		return err
	case wire.Acknowledge:
		if a, err := wire.ParseAck(f.Payload); err == nil && a.MessageType == wire.InputStreamData {
			c.acknowledged(a.Seq)
		}
	case wire.ChannelClosed:
		var closed wire.Closed
		if json.Unmarshal(f.Payload, &closed) != nil {
			closed.Output = ""
		}
		return &ClosedError{Output: closed.Output}
	case wire.PausePublication, wire.StartPublication:
		c.mu.Lock()
		c.tx.Paused = f.Type == wire.PausePublication
		c.mu.Unlock()
		c.wake()
	}
	return nil
}

func (c *Channel) queueAck(id wire.UUID, seq int64) {
	c.mu.Lock()
	if len(c.acks) == 0 {
		c.ackSince = time.Now()
	}
	c.acks = append(c.acks, ackDue{id, seq})
	n := len(c.acks)
	c.live.holes = len(c.rx.Early) > 0
	c.tx.Paused = false // an agent that sends is there
	c.mu.Unlock()
	if n == 1 || n >= ackBatch && !c.steady.Load() {
		c.wake()
	}
}

func (c *Channel) acknowledged(seq int64) {
	c.mu.Lock()
	m := c.tx.Ack(seq, time.Now())
	more := c.tx.Lost.N+c.tx.Unsent.N > 0
	c.checkDrained()
	c.mu.Unlock()
	if m != nil {
		c.recycle(m)
	}
	if more {
		c.wake()
	}
}

// deliver takes one payload in order.
func (c *Channel) deliver(kind wire.PayloadType, payload []byte) error {
	if e := c.crypt.Load(); e != nil && encrypted(kind) {
		var err error
		if payload, err = e.open(payload); err != nil {
			return fmt.Errorf("%w: cannot decrypt what the agent sent: %w", errProtocol, err)
		}
	}
	switch kind {
	case wire.PayloadHandshakeRequest, wire.PayloadEncChallengeRequest, wire.PayloadHandshakeComplete:
		select {
		case c.shake <- step{kind, append([]byte(nil), payload...)}:
		default: // long after the handshake
		}
		return nil
	}
	c.engineMu.Lock()
	defer c.engineMu.Unlock()
	if c.engine != nil {
		return c.engine.output(kind, payload)
	}
	if len(c.pending) == 0 {
		close(c.talk)
	}
	c.pending = append(c.pending, reliable.Arrival{Kind: kind, Payload: append([]byte(nil), payload...)})
	c.early += len(payload)
	return nil
}

// attach starts to hand payloads to e, first those that have come already.
func (c *Channel) attach(e engine) error {
	c.engineMu.Lock()
	defer c.engineMu.Unlock()
	if c.engine != nil {
		return fmt.Errorf("channel is in use already")
	}
	for _, a := range c.pending {
		if err := e.output(a.Kind, a.Payload); err != nil {
			return err
		}
	}
	c.engine, c.pending, c.early = e, nil, 0
	if k, ok := e.(counter); ok {
		c.counter.Store(&k)
	}
	close(c.attached)
	return nil
}
