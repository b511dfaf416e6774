package channel

import (
	"encoding/binary"
	"time"

	"github.com/gorilla/websocket"
)

// sender numbers our messages, decides which may be sent, and keeps each until
// it is acknowledged; nothing is ever given up. It is not safe for concurrent
// use: the Channel's lock guards it. It reads no clock and does no I/O.
//
// An acknowledgement names one message, so what is lost is known precisely: a
// message is lost if one that was sent clearly later has been acknowledged
// (RFC 8985's idea). When the retransmission timeout (RFC 6298) ends, the oldest
// message alone is sent again: the agent acknowledges after it has written, so a
// slow remote port looks like a loss of everything. Its answer is waited for.
type sender struct {
	window           // how much may be in flight
	all     numbered // every unacknowledged message
	unsent  messages // admitted, not sent
	flight  messages // sent, oldest first
	lost    messages // to be sent again
	next    int64    // number of the next message
	waiting []*waiter
	latest  time.Time // when the newest acknowledged message was sent
	floor   time.Time // the retransmission timeout counts from here at the earliest
	rested  time.Time // until then acknowledgements could not be read
	urgent  bool      // the next lost message goes out whatever the window
	recheck time.Time // when to decide about what was sent before probed
	probed  time.Time
	hold    time.Time // new messages wait until then
	acked   time.Time // last acknowledgement, or start of the connection
	paused  bool      // the gateway says that the agent is away
	resent  int64     // messages sent more than once, for Stats
}

// waiter is a message that the window does not admit yet.
type waiter struct {
	m    *message
	done chan struct{}
}

const (
	probeEvery = time.Second // one message, while paused
	minReorder = 10 * time.Millisecond
	reserve    = 16 // messages that may queue beyond the window, so that the writer never starves
)

// admits reports whether one more message may be queued.
func (s *sender) admits() bool {
	return s.flight.n+s.lost.n+s.unsent.n < s.size()+reserve
}

// push numbers and queues m, whatever the window.
func (s *sender) push(m *message) {
	m.seq = s.next
	s.next++
	binary.BigEndian.PutUint64(m.buf[offSeq:], uint64(m.seq))
	s.all.add(m)
	s.unsent.push(m)
}

// offer pushes m if the window admits it and nobody waits; otherwise the caller
// has to wait for the waiter that it returns.
func (s *sender) offer(m *message) *waiter {
	if len(s.waiting) == 0 && s.admits() {
		s.push(m)
		return nil
	}
	w := &waiter{m: m, done: make(chan struct{})}
	s.waiting = append(s.waiting, w)
	return w
}

// withdraw takes a waiter back; false means that its message was pushed.
func (s *sender) withdraw(w *waiter) bool {
	for i, x := range s.waiting {
		if x == w {
			s.waiting = append(s.waiting[:i], s.waiting[i+1:]...)
			return true
		}
	}
	return false
}

// ack handles the acknowledgement of one message and returns that message for
// reuse, or nil if it is not waiting for one.
func (s *sender) ack(seq int64, now time.Time) *message {
	m := s.all.get(seq)
	if m == nil || m.sends == 0 {
		return nil
	}
	limited := s.flight.n+s.lost.n+s.unsent.n >= s.size()
	m.in.remove(m)
	s.all.drop(seq)
	s.acked, s.paused = now, false
	if m.sends == 1 {
		s.sample(now.Sub(m.last), limited, now)
		if m.last.After(s.latest) {
			s.latest = m.last
		}
		s.suspect(s.latest.Add(-max(minReorder, s.least()/4)))
	} else if s.recheck.IsZero() {
		// Which of its copies arrived is not known. If it was the last one, the
		// others' acknowledgements are not far behind, or they are lost.
		s.recheck, s.probed = now.Add(max(s.srtt, 2*minReorder)), m.last
	}
	s.admitWaiting()
	return m
}

func (s *sender) admitWaiting() {
	for len(s.waiting) > 0 && s.admits() {
		w := s.waiting[0]
		s.waiting = s.waiting[1:]
		s.push(w.m)
		close(w.done)
	}
}

// suspect declares lost what was sent before t and is not acknowledged.
func (s *sender) suspect(t time.Time) {
	n := 0
	for m := s.flight.head; m != nil && m.last.Before(t); m = s.flight.head {
		s.flight.remove(m)
		s.lost.push(m)
		n++
	}
	if n > 0 {
		s.shrink(false, s.latest)
	}
}

// expire does what is due by now.
func (s *sender) expire(now time.Time) {
	if !s.recheck.IsZero() && !now.Before(s.recheck) {
		s.recheck = time.Time{}
		s.suspect(s.probed)
	}
	m := s.flight.head
	if m == nil || s.paused || s.due(m).After(now) {
		return
	}
	s.flight.remove(m)
	s.lost.push(m)
	s.floor, s.urgent = now, true
	s.shrink(true, s.latest)
}

// due is when the retransmission timeout of m ends.
func (s *sender) due(m *message) time.Time {
	at := m.last
	if s.floor.After(at) {
		at = s.floor
	}
	return at.Add(s.timeout())
}

// stuck reports whether a message has gone unacknowledged for longer than limit
// although the far side could have answered.
func (s *sender) stuck(now time.Time, limit time.Duration) bool {
	m := s.all.oldest()
	if m == nil || m.sends == 0 || s.paused {
		return false
	}
	return now.Sub(latest(m.first, s.acked, s.rested)) > limit
}

// collect appends what may be sent now to batch, up to limit bytes.
func (s *sender) collect(batch []byte, limit int, now time.Time) []byte {
	for len(batch) < limit {
		m := s.lost.head
		if m == nil && !now.Before(s.hold) {
			m = s.unsent.head
		}
		if m == nil || s.paused && !s.probe(now) || !s.paused && !s.urgent && s.flight.n >= s.size() {
			break
		}
		m.in.remove(m)
		s.flight.push(m)
		if m.sends == 0 {
			m.first = now
		} else {
			s.resent++
		}
		s.urgent = false
		m.last = now
		m.sends++
		batch = appendWebsocket(batch, websocket.BinaryMessage, m.buf)
	}
	return batch
}

// probe reports whether a message may be sent although the agent is said to be
// away, and whatever the window: one that is full would never be asked again.
func (s *sender) probe(now time.Time) bool {
	return s.flight.tail == nil || now.Sub(s.flight.tail.last) >= probeEvery
}

// deadline returns when collect or expire has to run again without anything
// else happening; zero means never.
func (s *sender) deadline(now time.Time) time.Time {
	var at time.Time
	if m := s.flight.head; m != nil && !s.paused {
		at = s.due(m)
	} else if m != nil && s.lost.n+s.unsent.n > 0 {
		at = s.flight.tail.last.Add(probeEvery)
	}
	if !s.recheck.IsZero() && (at.IsZero() || s.recheck.Before(at)) {
		at = s.recheck
	}
	if s.unsent.n > 0 && s.hold.After(now) && (at.IsZero() || s.hold.Before(at)) {
		at = s.hold
	}
	return at
}

// rest is for a time in which acknowledgements could not be read; it ends now.
func (s *sender) rest(now time.Time) { s.floor, s.rested = now, now }

// restart is for a new connection: everything unacknowledged is sent again, in order.
func (s *sender) restart(now time.Time) {
	s.flight, s.lost = messages{}, messages{}
	for _, m := range s.all.q[s.all.head:] {
		if m != nil && m.sends > 0 {
			m.in, m.prev, m.next = nil, nil, nil
			s.lost.push(m)
		}
	}
	s.acked, s.floor, s.rested = now, now, now
	s.paused, s.urgent, s.recheck = false, false, time.Time{}
	s.reset()
}
