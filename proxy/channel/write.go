package channel

import (
	"time"

	"github.com/gorilla/websocket"

	"ssmguard/proxy"
	"ssmguard/proxy/channel/reliable"
	"ssmguard/proxy/channel/wire"
)

// ackDue is an acknowledgement to send.
type ackDue struct {
	id  wire.UUID
	seq int64
}

// writeAll sends what is to be sent on l until halt is closed. It is the only
// writer of l.
func (c *Channel) writeAll(l *link, halt <-chan struct{}) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var batch []byte
	var acks []ackDue
	clocks := clocks{mono: time.Now(), wall: c.opt.wall()}
	for {
		select {
		case <-halt:
			return nil
		default:
		}
		if clocks.jumped(c.opt.wall()) {
			return errSuspended
		}
		var wait time.Duration
		var err error
		batch, acks, wait, err = c.collect(batch[:0], acks[:0])
		if err != nil {
			return err
		}
		batch = appendAcks(batch, acks)
		if len(batch) > 0 {
			if err := l.write(batch); err != nil {
				return err
			}
			continue
		}
		timer.Reset(wait)
		select {
		case <-c.kick:
		case <-timer.C:
		case <-halt:
			return nil
		}
	}
}

// collect gathers what is due, and says how long to wait if nothing is.
func (c *Channel) collect(batch []byte, acks []ackDue) ([]byte, []ackDue, time.Duration, error) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.blocked {
		c.tx.Expire(now)
		if !c.unhurried && c.tx.Stuck(now, c.opt.AckTimeout) {
			return nil, nil, 0, ErrStuck
		}
	}
	for _, p := range c.pongs {
		batch = append(batch, p...)
	}
	c.pongs = c.pongs[:0]
	if !now.Before(c.live.nextPing) {
		batch = reliable.AppendWebsocket(batch, websocket.PingMessage, c.live.ping(now, c.opt.PingEvery))
	}
	batch = c.tx.Collect(batch, batchSize, now)
	if len(batch) > 0 || len(c.acks) >= ackBatch || len(c.acks) > 0 && now.Sub(c.ackSince) >= ackDelay {
		acks, c.acks = append(acks, c.acks...), c.acks[:0]
	}
	return batch, acks, c.untilDue(now), nil
}

// untilDue returns how long nothing has to be done, unless the writer is woken.
func (c *Channel) untilDue(now time.Time) time.Duration {
	wait := min(c.live.nextPing.Sub(now), wakeAtMost)
	if len(c.acks) > 0 {
		wait = min(wait, c.ackSince.Add(ackDelay).Sub(now))
	}
	if at := c.tx.Deadline(now); !at.IsZero() && !c.blocked {
		wait = min(wait, at.Sub(now))
	}
	return max(wait, 0)
}

func appendAcks(batch []byte, acks []ackDue) []byte {
	var scratch [wire.HeaderSize + 256]byte
	for _, a := range acks {
		payload := wire.AppendAck(scratch[wire.HeaderSize:wire.HeaderSize], wire.OutputStreamData, a.id, a.seq)
		f := wire.Frame{Type: wire.Acknowledge, Created: uint64(time.Now().UnixMilli()), Flags: wire.FrameSyn | wire.FrameFin, ID: wire.NewUUID(), Payload: payload}
		f.PutHeader(scratch[:])
		batch = reliable.AppendWebsocket(batch, websocket.BinaryMessage, scratch[:wire.HeaderSize+len(payload)])
	}
	return batch
}

// clocks compares the wall clock with the monotonic one, which stands still
// while the machine sleeps.
type clocks struct{ mono, wall time.Time }

func (k *clocks) jumped(wall time.Time) bool {
	now := time.Now()
	jump := wall.Sub(k.wall) - now.Sub(k.mono)
	k.mono, k.wall = now, wall
	return jump > clockJump
}

// newMessage returns a message with room for max payload bytes.
func (c *Channel) newMessage() *reliable.Message {
	if m, ok := c.free.Get().(*reliable.Message); ok {
		return m
	}
	return &reliable.Message{Buf: make([]byte, wire.HeaderSize+c.opt.MessageSize)}
}

// recycle takes back a message that nobody holds any more.
func (c *Channel) recycle(m *reliable.Message) {
	m.Buf = m.Buf[:cap(m.Buf)]
	*m = reliable.Message{Buf: m.Buf}
	c.free.Put(m)
}

// send queues the first n payload bytes of m, and waits for as long as the
// window is full. It owns m from then on. It fails if stop is closed before m
// is queued, or the channel ends.
func (c *Channel) send(stop <-chan struct{}, m *reliable.Message, n int, kind wire.PayloadType) error {
	c.seal(m, n, kind)
	c.speak()
	c.mu.Lock()
	w := c.tx.Offer(m)
	c.mu.Unlock()
	if w == nil {
		c.wake()
		return nil
	}
	select {
	case <-w.Done:
		c.wake()
		return nil
	case <-stop:
	case <-c.quit.Done():
	}
	c.mu.Lock()
	withdrawn := c.tx.Withdraw(w)
	c.mu.Unlock()
	if withdrawn {
		c.recycle(m)
		return ErrClosed
	}
	return nil
}

// speak tells the reader that an answer may be on its way, see trickle.
func (c *Channel) speak() {
	c.spoke.Add(1)
	if c.steady.Load() {
		proxy.Signal(c.talking)
	}
}

// sendNow queues a small message at once, whatever the window.
func (c *Channel) sendNow(kind wire.PayloadType, payload []byte) {
	m := c.newMessage()
	m.Buf = append(m.Buf[:wire.HeaderSize], payload...)
	c.seal(m, len(payload), kind)
	c.mu.Lock()
	c.tx.Push(m)
	c.mu.Unlock()
	c.wake()
}

// seal finishes a message but for its number.
func (c *Channel) seal(m *reliable.Message, n int, kind wire.PayloadType) {
	m.Buf = m.Buf[:wire.HeaderSize+n]
	if e := c.crypt.Load(); e != nil && kind == wire.PayloadOutput {
		m.Buf = append(m.Buf[:wire.HeaderSize], e.seal(m.Buf[wire.HeaderSize:])...)
	}
	f := wire.Frame{Type: wire.InputStreamData, Created: uint64(time.Now().UnixMilli()), ID: wire.NewUUID(), PayloadType: kind, Payload: m.Buf[wire.HeaderSize:]}
	f.PutHeader(m.Buf)
}
