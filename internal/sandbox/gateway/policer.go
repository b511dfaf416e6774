package gateway

import (
	"sync"
	"time"
)

// Police bounds the rate at which a session's messages pass from client to agent. What
// comes faster waits in a queue; what finds the queue full is lost, and the client is sent
// pause_publication, then start_publication once the queue is empty. A session that still
// overflows when the queue has not been empty for Patience is ended.
//
// AWS documents none of this. Clients have seen the gateway pause them during uploads, and
// end sessions after about a minute of 1.5 MB/s.
type Police struct {
	Rate     int           // bytes per second, headers of messages included; 0: no limit
	Queue    int           // bytes
	Patience time.Duration // 0: a session is never ended
}

// Policer applies a Police to a stream of messages. It reads no clock and is for one
// goroutine at a time; its zero value has to be given a Police.
type Policer struct {
	Police
	clear  time.Time // when the queue is empty, if nothing else comes
	full   time.Time // when the overflow began; zero: there is none
	Pauses int       // overflows so far
	Lost   int       // messages that found the queue full
}

// Verdict is what a Policer decides about a message.
type Verdict struct {
	Passes time.Time // when the message has passed; zero: it is lost
	Pause  bool      // the client is to be paused; Resume tells until when
	End    bool      // the session is to be ended
}

// Offer decides about a message of size bytes that comes now.
func (p *Policer) Offer(size int, now time.Time) Verdict {
	if p.Rate == 0 {
		return Verdict{Passes: now}
	}
	if p.clear.Before(now) {
		p.clear, p.full = now, time.Time{}
	}
	cost := time.Duration(size) * time.Second / time.Duration(p.Rate)
	if room := time.Duration(p.Queue) * time.Second / time.Duration(p.Rate); p.clear.Add(cost).Sub(now) > room {
		p.Lost++
		begins := p.full.IsZero()
		if begins {
			p.full = now
			p.Pauses++
		}
		return Verdict{Pause: begins, End: p.Patience > 0 && now.Sub(p.full) > p.Patience}
	}
	p.clear = p.clear.Add(cost)
	return Verdict{Passes: p.clear}
}

// Resume tells when a paused client may be started again: zero if it may now, and otherwise
// the earliest moment at which to ask again.
func (p *Policer) Resume(now time.Time) time.Time {
	if p.clear.After(now) {
		return p.clear
	}
	p.full = time.Time{}
	return time.Time{}
}

// queue holds a session's messages from client to agent back as its policer has it.
type queue struct {
	s       *Session
	line    *line
	mu      sync.Mutex
	policer Policer
	paused  bool // the client has been
}

func newQueue(s *Session, p Police) *queue {
	q := &queue{s: s, policer: Policer{Police: p}, line: newLine(Faults{}, Up)}
	if p.Rate > 0 {
		q.line.slow()
	}
	return q
}

// take passes a message to the agent, now or later, or loses it.
func (q *queue) take(m *message) {
	if q.policer.Rate == 0 {
		q.s.agent.receive(m)
		return
	}
	q.mu.Lock()
	v := q.policer.Offer(len(m.raw), time.Now())
	q.paused = q.paused || v.Pause
	pauses, lost := q.policer.Pauses, q.policer.Lost
	q.mu.Unlock()
	switch {
	case v.End:
		q.s.end("overflow", "")
	case v.Pause:
		q.s.Publish(false)
	}
	if v.Passes.IsZero() {
		q.s.update(func(st *Status) { st.Pauses, st.Overflow = pauses, lost })
		q.resume()
		return
	}
	q.line.later(v.Passes, func() {
		q.s.agent.receive(m)
		q.resume()
	})
}

// resume starts a paused client again if the queue is empty.
func (q *queue) resume() {
	q.mu.Lock()
	empty := q.paused && q.policer.Resume(time.Now()).IsZero()
	q.paused = q.paused && !empty
	q.mu.Unlock()
	if empty {
		q.s.Publish(true)
	}
}

func (q *queue) close() { q.line.close() }
