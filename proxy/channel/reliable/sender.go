package reliable

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/gorilla/websocket"

	"ssmguard/proxy/channel/wire"
)

// Sender numbers our messages, decides which may be sent, and keeps each until
// it is acknowledged; nothing is ever given up. It is not safe for concurrent
// use: the lock of whoever owns it guards it. It reads no clock and does no I/O.
//
// An acknowledgement names one message, so what is lost is known precisely: a
// message is lost if one that was sent clearly later has been acknowledged
// (RFC 8985's idea). When the retransmission timeout (RFC 6298) ends, the oldest
// message alone is sent again: the agent acknowledges after it has written, so a
// slow remote port looks like a loss of everything. Its answer is waited for.
type Sender struct {
	Window           // how much may be in flight
	All     numbered // every unacknowledged message
	Unsent  messages // admitted, not sent
	Flight  messages // sent, oldest first
	Lost    messages // to be sent again
	waiting []*waiter
	latest  time.Time // when the newest acknowledged message was sent
	floor   time.Time // the retransmission timeout counts from here at the earliest
	rested  time.Time // until then acknowledgements could not be read
	urgent  bool      // the next lost message goes out whatever the window
	recheck recheck
	Hold    time.Time // new messages wait until then
	acked   time.Time // last acknowledgement, or start of the connection
	Paused  bool      // the gateway says that the agent is away
	Resent  int64     // messages sent more than once, for Stats
}

// recheck is a decision to come: what was sent before a moment is lost if it is not
// acknowledged at the time due; zero: none is to come.
type recheck struct{ due, sentBefore time.Time }

// waiter is a message that the window does not admit yet.
type waiter struct {
	m    *Message
	Done chan struct{}
}

const (
	ProbeEvery = time.Second // one message, while paused
	minReorder = 10 * time.Millisecond
	Reserve    = 16 // messages that may queue beyond the window, so that the writer never starves
)

// admits reports whether one more message may be queued.
func (s *Sender) admits() bool {
	return s.Flight.N+s.Lost.N+s.Unsent.N < s.Size()+Reserve
}

// Push numbers and queues m, whatever the window.
func (s *Sender) Push(m *Message) {
	m.seq = s.All.next()
	binary.BigEndian.PutUint64(m.Buf[wire.OffSeq:], uint64(m.seq))
	s.All.add(m)
	s.Unsent.push(m)
}

// Offer pushes m if the window admits it and nobody waits; otherwise the caller
// has to wait for the waiter that it returns.
func (s *Sender) Offer(m *Message) *waiter {
	if len(s.waiting) == 0 && s.admits() {
		s.Push(m)
		return nil
	}
	w := &waiter{m: m, Done: make(chan struct{})}
	s.waiting = append(s.waiting, w)
	return w
}

// Withdraw takes a waiter back; false means that its message was pushed.
func (s *Sender) Withdraw(w *waiter) bool {
	i := slices.Index(s.waiting, w)
	if i < 0 {
		return false
	}
	s.waiting = slices.Delete(s.waiting, i, i+1)
	return true
}

// Ack handles the acknowledgement of one message and returns that message for
// reuse, or nil if it is not waiting for one.
func (s *Sender) Ack(seq int64, now time.Time) *Message {
	m := s.All.get(seq)
	if m == nil || m.sends == 0 {
		return nil
	}
	limited := s.Flight.N+s.Lost.N+s.Unsent.N >= s.Size() || s.pacer.on && s.Lost.N+s.Unsent.N > 0
	m.in.remove(m)
	s.All.drop(seq)
	s.acked, s.Paused = now, false
	if s.carried.count(now, s.Srtt, limited, now.Before(s.pacer.pausing)) {
		s.round()
	}
	if m.sends == 1 {
		s.sample(now.Sub(m.last), limited, now)
		if m.last.After(s.latest) {
			s.latest = m.last
		}
		s.suspect(s.latest.Add(-max(minReorder, s.least()/4)), now)
	} else if s.recheck.due.IsZero() {
		// Which of its copies arrived is not known. If it was the last one, the
		// others' acknowledgements are not far behind, or they are lost.
		s.recheck = recheck{now.Add(max(s.Srtt, 2*minReorder)), m.last}
	}
	s.admitWaiting()
	return m
}

func (s *Sender) admitWaiting() {
	for len(s.waiting) > 0 && s.admits() {
		w := s.waiting[0]
		s.waiting = s.waiting[1:]
		s.Push(w.m)
		close(w.Done)
	}
}

// suspect declares lost what was sent before t and is not acknowledged.
func (s *Sender) suspect(t, now time.Time) {
	n := 0
	for m := s.Flight.head; m != nil && m.last.Before(t); m = s.Flight.head {
		s.Flight.remove(m)
		s.Lost.push(m)
		n++
	}
	if n > 0 {
		s.shrink(false, s.latest)
		if s.pacer.told {
			s.pacer.pausing = now.Add(mostPause)
		}
	}
}

// Expire does what is due by now.
func (s *Sender) Expire(now time.Time) {
	if r := s.recheck; !r.due.IsZero() && !now.Before(r.due) {
		s.recheck = recheck{}
		s.suspect(r.sentBefore, now)
	}
	m := s.Flight.head
	if m == nil || s.Paused || s.due(m).After(now) {
		return
	}
	s.Flight.remove(m)
	s.Lost.push(m)
	s.floor, s.urgent = now, true
	s.shrink(true, s.latest)
}

// due is when the retransmission timeout of m ends.
func (s *Sender) due(m *Message) time.Time {
	at := m.last
	if s.floor.After(at) {
		at = s.floor
	}
	return at.Add(s.timeout())
}

// Stuck reports whether a message has gone unacknowledged for longer than limit
// although the far side could have answered.
func (s *Sender) Stuck(now time.Time, limit time.Duration) bool {
	m := s.All.Oldest()
	if m == nil || m.sends == 0 || s.Paused {
		return false
	}
	return now.Sub(Latest(m.first, s.acked, s.rested)) > limit
}

// Collect appends what may be sent now to batch, up to limit bytes.
func (s *Sender) Collect(batch []byte, limit int, now time.Time) []byte {
	for len(batch) < limit {
		m := s.Lost.head
		if m == nil && !now.Before(s.Hold) {
			m = s.Unsent.head
		}
		if m == nil || s.Paused && !s.probe(now) || !s.Paused && !s.urgent && (s.Flight.N >= s.Size() || !s.takeTurn(now)) {
			break
		}
		m.in.remove(m)
		s.Flight.push(m)
		if m.sends == 0 {
			m.first = now
		} else {
			s.Resent++
		}
		s.urgent = false
		m.last = now
		m.sends++
		batch = AppendWebsocket(batch, websocket.BinaryMessage, m.Buf)
	}
	return batch
}

// Pause is for the gateway's word that we shall send nothing: the agent is away, or the
// gateway's queue is full. Acknowledgements tell which: while they come, messages go on, but
// more slowly than the path carries them, until the queue is empty and the gateway says so.
func (s *Sender) Pause(now time.Time) {
	s.Paused = true
	s.pacer.on, s.pacer.told, s.pacer.pausing = true, true, now.Add(mostPause)
}

// probe reports whether a message may be sent although the agent is said to be
// away, and whatever the window: one that is full would never be asked again.
func (s *Sender) probe(now time.Time) bool {
	return s.Flight.tail == nil || now.Sub(s.Flight.tail.last) >= ProbeEvery
}

// Deadline returns when Collect or Expire has to run again without anything
// else happening; zero means never.
func (s *Sender) Deadline(now time.Time) time.Time {
	var at time.Time
	if m := s.Flight.head; m != nil && !s.Paused {
		at = s.due(m)
	} else if m != nil && s.Lost.N+s.Unsent.N > 0 {
		at = s.Flight.tail.last.Add(ProbeEvery)
	}
	if ready := s.Lost.N > 0 || s.Unsent.N > 0 && !s.Hold.After(now); ready && s.pacer.on && !s.Paused && s.Flight.N < s.Size() {
		at = earlier(at, s.turn(now))
	}
	at = earlier(at, s.recheck.due)
	if s.Unsent.N > 0 && s.Hold.After(now) {
		at = earlier(at, s.Hold)
	}
	return at
}

// Rest is for a time in which acknowledgements could not be read; it ends now.
func (s *Sender) Rest(now time.Time) { s.floor, s.rested = now, now }

// Unpause is for the gateway's word that the agent is there again. It reports whether the
// agent was away with messages under way: it may have passed them on without being able
// to acknowledge them, and will do so again. A gateway that only holds us up for a while
// passes acknowledgements on meanwhile, which end the pause.
func (s *Sender) Unpause() (again bool) {
	again = s.Paused && s.Flight.N+s.Lost.N > 0
	s.Paused, s.pacer.told, s.pacer.pausing = false, false, time.Time{}
	return again
}

// Restart is for a new connection: everything unacknowledged is sent again, in order.
func (s *Sender) Restart(now time.Time) {
	s.Flight, s.Lost = messages{}, messages{}
	for _, m := range s.All.q[s.All.head:] {
		if m != nil && m.sends > 0 {
			m.in, m.prev, m.next = nil, nil, nil
			s.Lost.push(m)
		}
	}
	s.acked, s.floor, s.rested = now, now, now
	s.Paused, s.urgent, s.recheck = false, false, recheck{}
	s.reset()
}

// Latest is the last of some moments.
func Latest(all ...time.Time) time.Time { return slices.MaxFunc(all, time.Time.Compare) }

// earlier is the first of two moments; a zero one does not count.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
