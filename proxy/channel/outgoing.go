package channel

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"ssmguard/proxy"
	"ssmguard/proxy/channel/reliable"
	"ssmguard/proxy/channel/wire"
)

// outgoing is what we send, on whatever connection there is: numbered messages,
// acknowledgements, pings and pongs. Engines and the reader put them in, the writer of
// the connection collects them. mu guards what stands below it; nobody waits or does
// I/O while holding it.
type outgoing struct {
	opt  *Options
	key  *sessionKey
	pace *pace
	quit context.Context // the channel's
	kick chan struct{}   // wakes the writer
	free sync.Pool       // of *reliable.Message

	mu            sync.Mutex
	sender        reliable.Sender
	acks          []reliable.Acknowledgement
	ackSince      time.Time // when the first of acks was put in
	acked         reliable.AckLog
	ackRoom       chan struct{}
	acksWait      atomic.Bool // acks are so many that the reader has to wait
	pongs         [][]byte
	live          liveness
	readerBlocked bool          // the reader waits for room: acknowledgements go unread
	noAckTimeout  bool          // what runs in the session may leave its input unread for as long as it likes
	drained       chan struct{} // closed once everything is acknowledged; nil: nobody waits for that
}

const (
	ackDelay   = 5 * time.Millisecond  // acknowledgements wait for company
	ackBatch   = 32                    // but no more than that many
	ackWrite   = 256                   // in one write
	mostAcks   = 8192                  // that may wait, before the reader does
	batchSize  = 64 << 10              // bytes in one write
	settle     = 25 * time.Millisecond // agents throw away what comes right after HandshakeComplete
	wakeAtMost = time.Second           // the writer looks at the clocks at least that often
	mostPongs  = 8                     // that may wait
)

func newOutgoing(quit context.Context, opt *Options, key *sessionKey, pace *pace) *outgoing {
	o := &outgoing{quit: quit, opt: opt, key: key, pace: pace, kick: make(chan struct{}, 1), ackRoom: make(chan struct{}, 1)}
	o.sender.Window = reliable.NewWindow(opt.Unacked / opt.MessageSize)
	o.live.begun, o.live.changed = time.Now(), make(chan struct{})
	return o
}

// writeAll sends what is to be sent on l until halt is closed. It is the only
// writer of l.
func (o *outgoing) writeAll(l *link, halt <-chan struct{}) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var batch []byte
	var acks []reliable.Acknowledgement
	clocks := newClocks(o.opt.wall)
	for {
		select {
		case <-halt:
			return nil
		default:
		}
		if clocks.jumped() {
			return errSuspended
		}
		var wait time.Duration
		var err error
		batch, acks, wait, err = o.collect(batch[:0], acks[:0])
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
		case <-o.kick:
		case <-timer.C:
		case <-halt:
			return nil
		}
	}
}

// collect gathers what is due, and says how long to wait if nothing is.
func (o *outgoing) collect(batch []byte, acks []reliable.Acknowledgement) ([]byte, []reliable.Acknowledgement, time.Duration, error) {
	now := time.Now()
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.readerBlocked {
		o.sender.Expire(now)
		if !o.noAckTimeout && o.sender.Stuck(now, o.opt.AckTimeout) {
			return nil, nil, 0, ErrStuck
		}
		if o.live.oneWay(now) {
			return nil, nil, 0, errOneWay
		}
	}
	for _, p := range o.pongs {
		batch = append(batch, p...)
	}
	o.pongs = o.pongs[:0]
	if !now.Before(o.live.pings.next) {
		batch = reliable.AppendWebsocket(batch, websocket.PingMessage, o.live.pings.send(now, o.opt.PingEvery))
	}
	batch = o.sender.Collect(batch, batchSize, now)
	if len(batch) > 0 || len(o.acks) >= ackBatch || len(o.acks) > 0 && now.Sub(o.ackSince) >= ackDelay {
		n := min(len(o.acks), ackWrite)
		acks = append(acks, o.acks[:n]...)
		o.acked.Wrote(acks)
		o.acks = o.acks[:copy(o.acks, o.acks[n:])]
		if o.acksWait.Load() && len(o.acks) < mostAcks/2 {
			o.acksWait.Store(false)
			proxy.Signal(o.ackRoom)
		}
	}
	return batch, acks, o.untilDue(now), nil
}

// untilDue returns how long nothing has to be done, unless the writer is woken.
func (o *outgoing) untilDue(now time.Time) time.Duration {
	wait := min(o.live.pings.next.Sub(now), wakeAtMost)
	if len(o.acks) > 0 {
		wait = min(wait, o.ackSince.Add(ackDelay).Sub(now))
	}
	if at := o.sender.Deadline(now); !at.IsZero() && !o.readerBlocked {
		wait = min(wait, at.Sub(now))
	}
	return max(wait, 0)
}

func appendAcks(batch []byte, acks []reliable.Acknowledgement) []byte {
	var scratch [wire.HeaderSize + 256]byte
	for _, a := range acks {
		payload := wire.AppendAck(scratch[wire.HeaderSize:wire.HeaderSize], wire.OutputStreamData, a.ID, a.Seq)
		f := wire.Frame{Type: wire.Acknowledge, Created: uint64(time.Now().UnixMilli()), Flags: wire.FrameSyn | wire.FrameFin, ID: wire.NewUUID(), Payload: payload}
		f.PutHeader(scratch[:])
		batch = reliable.AppendWebsocket(batch, websocket.BinaryMessage, scratch[:wire.HeaderSize+len(payload)])
	}
	return batch
}

func (o *outgoing) wake() { proxy.Signal(o.kick) }

// change does something to o under its lock and wakes the writer.
func (o *outgoing) change(do func()) {
	o.mu.Lock()
	do()
	o.mu.Unlock()
	o.wake()
}

// newMessage returns a message with room for max payload bytes.
func (o *outgoing) newMessage() *reliable.Message {
	if m, ok := o.free.Get().(*reliable.Message); ok {
		return m
	}
	return &reliable.Message{Buf: make([]byte, wire.HeaderSize+o.opt.MessageSize)}
}

// recycle takes back a message that nobody holds any more.
func (o *outgoing) recycle(m *reliable.Message) {
	*m = reliable.Message{Buf: m.Buf[:cap(m.Buf)]}
	o.free.Put(m)
}

// send queues the first n payload bytes of m, and waits for as long as the
// window is full. It owns m from then on. It fails if stop is closed before m
// is queued, or the channel ends.
func (o *outgoing) send(stop <-chan struct{}, m *reliable.Message, n int, kind wire.PayloadType) error {
	o.seal(m, n, kind)
	o.pace.note()
	o.mu.Lock()
	w := o.sender.Offer(m)
	o.mu.Unlock()
	if w == nil {
		o.wake()
		return nil
	}
	select {
	case <-w.Done:
		o.wake()
		return nil
	case <-stop:
	case <-o.quit.Done():
	}
	o.mu.Lock()
	withdrawn := o.sender.Withdraw(w)
	o.mu.Unlock()
	if withdrawn {
		o.recycle(m)
		return ErrClosed
	}
	return nil
}

// sendNow queues a small message at once, whatever the window.
func (o *outgoing) sendNow(kind wire.PayloadType, payload []byte) {
	m := o.newMessage()
	m.Buf = append(m.Buf[:wire.HeaderSize], payload...)
	o.seal(m, len(payload), kind)
	o.change(func() { o.sender.Push(m) })
}

// seal finishes a message but for its number.
func (o *outgoing) seal(m *reliable.Message, n int, kind wire.PayloadType) {
	m.Buf = m.Buf[:wire.HeaderSize+n]
	if e := o.key.Load(); e != nil && kind == wire.PayloadOutput {
		m.Buf = append(m.Buf[:wire.HeaderSize], e.seal(m.Buf[wire.HeaderSize:])...)
	}
	f := wire.Frame{Type: wire.InputStreamData, Created: uint64(time.Now().UnixMilli()), ID: wire.NewUUID(), PayloadType: kind, Payload: m.Buf[wire.HeaderSize:]}
	f.PutHeader(m.Buf)
}

// acknowledge queues the acknowledgement of a message of the agent: one that is
// repeated, if acknowledgements were lost. holes says that messages before it are missing.
func (o *outgoing) acknowledge(f *wire.Frame, repeated, holes bool) {
	now := time.Now()
	o.mu.Lock()
	if repeated {
		o.live.repeated = now
	} else {
		o.live.fresh = now
	}
	if len(o.acks) == 0 {
		o.ackSince = now
	}
	if len(o.acks) < 2*mostAcks { // more come only while the channel ends, when the reader does not wait
		o.acks = append(o.acks, reliable.Acknowledgement{ID: f.ID, Seq: f.Seq})
	}
	if repeated {
		o.acks = append(o.acks, o.acked.Repeated(f.Seq)...)
	}
	n := len(o.acks)
	if n >= mostAcks {
		o.acksWait.Store(true)
	}
	o.live.holes = holes
	o.sender.Paused = false // an agent that sends is there
	o.mu.Unlock()
	if n == 1 || n >= ackBatch && !o.pace.steady.Load() {
		o.wake()
	}
}

// blockReader notes that the reader waits until unblock is called: what comes meanwhile,
// acknowledgements and answers to pings among it, is not read.
func (o *outgoing) blockReader() (unblock func()) {
	o.change(func() { o.readerBlocked = true })
	return func() {
		o.change(func() {
			now := time.Now()
			o.readerBlocked, o.live.fresh = false, now
			o.sender.Rest(now)
		})
	}
}

// awaitAcks waits until the acknowledgements that are to be sent are few again. A far side
// that sends faster than it takes them feels it as a slow connection, as if a local reader
// were slow.
func (o *outgoing) awaitAcks(stop <-chan struct{}) {
	if !o.acksWait.Load() {
		return
	}
	defer o.blockReader()()
	for o.acksWait.Load() {
		select {
		case <-o.ackRoom:
		case <-stop:
			return
		case <-o.quit.Done():
			return
		}
	}
}

// acknowledged takes the agent's acknowledgement of one of our messages.
func (o *outgoing) acknowledged(seq int64) {
	now := time.Now()
	o.mu.Lock()
	o.live.fresh = now
	m := o.sender.Ack(seq, now)
	more := o.sender.Lost.N+o.sender.Unsent.N > 0
	o.checkDrained()
	o.mu.Unlock()
	if m != nil {
		o.recycle(m)
	}
	if more {
		o.wake()
	}
}

// drain returns a channel that is closed once nothing waits for an acknowledgement.
func (o *outgoing) drain() <-chan struct{} {
	drained := make(chan struct{})
	o.mu.Lock()
	defer o.mu.Unlock()
	o.drained = drained
	o.checkDrained()
	return drained
}

func (o *outgoing) checkDrained() {
	if o.drained != nil && o.sender.All.Oldest() == nil {
		close(o.drained)
		o.drained = nil
	}
}

// count fills in what Stats says of our messages.
func (o *outgoing) count(s *Stats) {
	o.mu.Lock()
	defer o.mu.Unlock()
	s.Resent, s.RoundTrip = o.sender.Resent, o.sender.Srtt
	s.Rate = int64(o.sender.Rate() * float64(o.opt.MessageSize))
	s.Window, s.Unacked = o.sender.Size(), o.sender.Flight.N+o.sender.Lost.N
}
