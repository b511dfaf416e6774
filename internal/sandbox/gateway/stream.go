package gateway

import (
	"context"
	"errors"
	"math"
	"sync"
	"time"

	"ssmguard/proxy/channel/wire"
)

// The agent's constants (data channel facts, 1.3).
const (
	chunk         = 1024 // bytes of one output message
	outCapacity   = 100000
	inCapacity    = 10000
	resendTick    = 100 * time.Millisecond
	firstTimeout  = 200 * time.Millisecond
	maxTimeout    = time.Second
	granularity   = 10 * time.Millisecond
	paceInterval  = time.Millisecond
	drainPatience = 10 * time.Second
)

var errStopped = errors.New("gateway: the agent has stopped")

// outgoing is the agent's sending half: it numbers messages, keeps them until
// they are acknowledged and sends the oldest one again when that takes too long.
type outgoing struct {
	s     *Session
	order sync.Mutex // held from numbering to sending, so that messages leave in order

	mu      sync.Mutex
	next    int64
	first   int64     // sequence number of pending[0]
	pending []pending // in order; acknowledged ones have no message
	open    bool      // a client is connected
	// drain is running and needs every acknowledgement
	draining bool
	changed  chan struct{}
	acked    int64 // how many were acknowledged

	rtt, deviation float64
	timeout        time.Duration
}

type pending struct {
	m    *message
	sent time.Time
}

func newOutgoing(s *Session) *outgoing {
	return &outgoing{s: s, changed: make(chan struct{}), rtt: float64(resendTick), timeout: firstTimeout}
}

// write sends one payload as one message. Without a client it waits: the agent stops
// reading its sources then.
func (o *outgoing) write(ctx context.Context, t wire.PayloadType, p []byte) error {
	o.order.Lock()
	defer o.order.Unlock()
	if err := o.await(ctx, func() bool { return o.open }); err != nil {
		return err
	}
	o.mu.Lock()
	f := wire.Frame{Type: wire.OutputStreamData, Seq: o.next, ID: wire.NewUUID(), PayloadType: t, Payload: p}
	if o.next == 0 {
		f.Flags = wire.FrameSyn
	}
	m := encode(f)
	if len(o.pending) == 0 {
		o.first = o.next
	}
	if len(o.pending) < outCapacity {
		o.pending = append(o.pending, pending{m, time.Now()})
	}
	o.next++
	o.mu.Unlock()
	o.s.transmit(m)
	return nil
}

// await waits until ok, which is called under the lock, holds.
func (o *outgoing) await(ctx context.Context, ok func() bool) error {
	for {
		o.mu.Lock()
		if ok() {
			o.mu.Unlock()
			return nil
		}
		changed := o.changed
		o.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return errStopped
		}
	}
}

// publish sets whether there is a client. A client that is back changes nothing else: what
// was under way is sent again as ever.
func (o *outgoing) publish(open bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.open = open
	o.wake()
}

// overdue returns the oldest message if its retransmission is due, else nil.
func (o *outgoing) overdue() *message {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.open || len(o.pending) == 0 || time.Since(o.pending[0].sent) <= o.timeout {
		return nil
	}
	o.pending[0].sent = time.Now()
	return o.pending[0].m
}

func (o *outgoing) wake() {
	close(o.changed)
	o.changed = make(chan struct{})
}

// acknowledged removes one message.
func (o *outgoing) acknowledged(seq int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	i := seq - o.first
	if i < 0 || i >= int64(len(o.pending)) || o.pending[i].m == nil {
		return
	}
	o.measure(time.Since(o.pending[i].sent))
	o.pending[i].m = nil
	o.acked++
	for len(o.pending) > 0 && o.pending[0].m == nil {
		o.pending = o.pending[1:]
		o.first++
	}
	if len(o.pending) == 0 {
		o.pending = nil
	}
	if len(o.pending) == 0 || o.draining {
		o.wake()
	}
}

// measure adapts the retransmission timeout to a round trip.
func (o *outgoing) measure(trip time.Duration) {
	n := float64(trip)
	o.deviation = 0.75*o.deviation + 0.25*math.Abs(o.rtt-n)
	o.rtt = 0.875*o.rtt + 0.125*n
	o.timeout = min(maxTimeout, time.Duration(o.rtt+math.Max(float64(granularity), 4*o.deviation)))
}

// resend sends the oldest message again whenever its time is up, until ctx ends. As with
// the real agent it is one message each resendTick, however many were lost.
func (o *outgoing) resend(ctx context.Context) {
	tick := time.NewTicker(resendTick)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if m := o.overdue(); m != nil {
			o.s.update(func(st *Status) { st.Down.Resent++ })
			o.s.transmit(m)
		}
	}
}

// drain waits until everything is acknowledged, as long as there is progress.
func (o *outgoing) drain(ctx context.Context) {
	o.mu.Lock()
	o.draining = true
	acked := o.acked
	o.mu.Unlock()
	for empty := false; !empty; {
		progress, cancel := context.WithTimeout(ctx, drainPatience)
		err := o.await(progress, func() bool {
			empty = len(o.pending) == 0
			moved := o.acked > acked
			acked = o.acked
			return empty || moved
		})
		cancel()
		if err != nil {
			return
		}
	}
}

// incoming is the agent's receiving half: it puts messages in order and
// acknowledges every one, old ones again. It is used by one caller at a time.
type incoming struct {
	expected int64
	early    map[int64]*message
	ack      func(*message)
	process  func(*message) (taken bool)
	repeated func()
}

func (in *incoming) receive(m *message) {
	switch {
	case m.Seq < in.expected:
		in.repeated()
		in.ack(m)
		return
	case m.Seq > in.expected:
		if len(in.early) < inCapacity {
			in.early[m.Seq] = m
			in.ack(m)
		}
		return
	}
	if beforeProcessing[m.PayloadType] {
		in.ack(m)
		in.process(m)
	} else {
		if !in.process(m) {
			return // the client sends it again
		}
		in.ack(m)
	}
	for in.expected++; in.early[in.expected] != nil && in.process(in.early[in.expected]); in.expected++ {
		delete(in.early, in.expected)
	}
}

// beforeProcessing are the payloads that are acknowledged before they are processed.
var beforeProcessing = map[wire.PayloadType]bool{
	wire.PayloadHandshakeResponse:    true,
	wire.PayloadEncChallengeResponse: true,
}

// inbox keeps messages for an agent that is busy, as when a program does not read its
// input. The client's window limits its size.
type inbox struct {
	mu    sync.Mutex
	queue []*message
	more  chan struct{}
}

func newInbox() *inbox { return &inbox{more: make(chan struct{}, 1)} }

func (b *inbox) put(m *message) {
	b.mu.Lock()
	b.queue = append(b.queue, m)
	b.mu.Unlock()
	select {
	case b.more <- struct{}{}:
	default:
	}
}

// empty passes on messages in order until ctx ends.
func (b *inbox) empty(ctx context.Context, to func(*message)) {
	for {
		b.mu.Lock()
		queue := b.queue
		b.queue = nil
		b.mu.Unlock()
		for _, m := range queue {
			if ctx.Err() != nil {
				return
			}
			to(m)
		}
		if len(queue) > 0 {
			continue
		}
		select {
		case <-b.more:
		case <-ctx.Done():
			return
		}
	}
}
