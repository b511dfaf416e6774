package reliable_test

import (
	"container/heap"
	"fmt"
	"testing"
	"time"

	"ssmguard/internal/sandbox/gateway"
	"ssmguard/proxy/channel/reliable"
	"ssmguard/proxy/channel/wire"
)

// course is an upload through a policed gateway in made-up time: a list of what is to
// happen, each at its moment.
type course struct {
	now     time.Time
	events  events
	n       int
	policer gateway.Policer
	away    time.Duration // half of the round trip
	got     map[int64]bool
	next    int64 // number of the first message that the agent lacks
	ended   bool
}

type event struct {
	at time.Time
	n  int // events of one moment happen in the order of their making
	do func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, k int) bool {
	return e[i].at.Before(e[k].at) || e[i].at.Equal(e[k].at) && e[i].n < e[k].n
}
func (e events) Swap(i, k int) { e[i], e[k] = e[k], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}

func (c *course) at(t time.Time, do func()) {
	c.n++
	heap.Push(&c.events, event{t, c.n, do})
}

func (c *course) in(d time.Duration, do func()) { c.at(c.now.Add(d), do) }

// run lets what is to happen happen until a moment, or until the session has ended.
func (c *course) run(until time.Time) {
	for len(c.events) > 0 && !c.ended && !c.events[0].at.After(until) {
		e := heap.Pop(&c.events).(event)
		c.now = e.at
		e.do()
	}
	c.now = until
}

// send carries a message to the agent; acked and publish are what the client does about
// the answers.
func (c *course) send(seq int64, size int, acked func(int64), publish func(start bool)) {
	c.in(c.away, func() {
		v := c.policer.Offer(size, c.now)
		switch {
		case v.End:
			c.ended = true
		case v.Pause:
			c.in(c.away, func() { publish(false) })
			c.resume(publish)
		}
		if v.Passes.IsZero() {
			return
		}
		c.at(v.Passes, func() {
			if seq >= c.next {
				c.got[seq] = true
			}
			for ; c.got[c.next]; c.next++ {
				delete(c.got, c.next)
			}
			c.in(c.away, func() { acked(seq) })
		})
	})
}

// resume starts the client again once the queue is empty.
func (c *course) resume(publish func(bool)) {
	if again := c.policer.Resume(c.now); !again.IsZero() {
		c.at(again, func() { c.resume(publish) })
		return
	}
	c.in(c.away, func() { publish(true) })
}

// patience is how long the policed gateway bears a client that overflows.
const patience = 10 * time.Second

func newCourse(rate, queue int, trip time.Duration) *course {
	return &course{
		now: time.Unix(1e9, 0), away: trip / 2, got: make(map[int64]bool),
		policer: gateway.Policer{Police: gateway.Police{Rate: rate, Queue: queue, Patience: patience}},
	}
}

// payload is the size of our messages by default, ahead that of what the client queues.
const payload = 1536

// upload keeps a Sender busy over the course.
func (c *course) upload() (s *reliable.Sender) {
	s = &reliable.Sender{Window: reliable.NewWindow(4 << 20 / payload)}
	const frame = wire.HeaderSize + payload
	var wake time.Time
	var batch []byte
	var act func()
	publish := func(start bool) {
		if start {
			s.Unpause()
		} else {
			s.Pause(c.now)
		}
		act()
	}
	var free []*reliable.Message
	acked := func(seq int64) {
		if m := s.Ack(seq, c.now); m != nil {
			*m = reliable.Message{Buf: m.Buf}
			free = append(free, m)
		}
		act()
	}
	act = func() {
		for {
			for s.Unsent.N < reliable.Reserve {
				if len(free) == 0 {
					free = append(free, &reliable.Message{Buf: make([]byte, frame)})
				}
				s.Push(free[len(free)-1])
				free = free[:len(free)-1]
			}
			s.Expire(c.now)
			batch = s.Collect(batch[:0], 64<<10, c.now)
			sent := len(batch) / (frame + 8)
			for _, seq := range s.Newest(sent) {
				c.send(seq, frame, acked, publish)
			}
			if sent == 0 {
				break
			}
		}
		if due := s.Deadline(c.now); !due.IsZero() && (!wake.After(c.now) || due.Before(wake)) {
			wake = due
			c.at(due, func() {
				if wake.Equal(c.now) {
					act()
				}
			})
		}
	}
	c.in(0, act)
	return s
}

// plugin does as the official plugin does: it reads 1024 bytes each millisecond, whatever
// the gateway says, keeps 10,000 messages at most, and sends the oldest one again when its
// time is up, which it looks at each 100 ms.
func (c *course) plugin() {
	const frame, most = wire.HeaderSize + 1024, 10000
	var next, oldest int64
	var last time.Time // when the oldest was sent
	rest := map[int64]bool{}
	acked := func(seq int64) {
		delete(rest, seq)
		for ; oldest < next && !rest[oldest]; oldest++ {
			last = c.now
		}
	}
	send := func(seq int64) { c.send(seq, frame, acked, func(bool) {}) }
	var read, again func()
	read = func() {
		if len(rest) < most {
			rest[next] = true
			send(next)
			next++
		}
		c.in(time.Millisecond, read)
	}
	again = func() {
		if rest[oldest] && c.now.Sub(last) > max(200*time.Millisecond, 4*c.away) {
			last = c.now
			send(oldest)
		}
		c.in(100*time.Millisecond, again)
	}
	c.in(0, read)
	c.in(0, again)
}

// An upload through a gateway that polices it uses what the policer lets through, keeps the
// session, and is never slower than the official plugin's.
func TestPolicedUpload(t *testing.T) {
	const lasts = 20 * time.Second
	for _, rate := range []int{1e6, 2e6, 8e6} {
		for _, trip := range []time.Duration{5 * time.Millisecond, 40 * time.Millisecond, 150 * time.Millisecond} {
			for _, queue := range []int{32 << 10, 256 << 10} {
				t.Run(fmt.Sprintf("%d MB per s, %v away, queue of %d KiB", rate/1e6, trip, queue>>10), func(t *testing.T) {
					t.Parallel()
					ours, theirs := newCourse(rate, queue, trip), newCourse(rate, queue, trip)
					s := ours.upload()
					ours.run(ours.now.Add(lasts))
					theirs.plugin()
					theirs.run(theirs.now.Add(lasts))
					passes := float64(rate) * lasts.Seconds()
					// The rate that is told is what the path carries, of payloads.
					if told := s.Rate() * (wire.HeaderSize + payload); told < 0.7*float64(rate) || told > 1.3*float64(rate) {
						t.Errorf("a rate of %.0f bytes per second is told", told)
					}
					share := float64(ours.next*(wire.HeaderSize+payload)) / passes
					t.Logf("share %.3f (plugin %.3f, ended %v), %d pauses, %d lost of %d, window %d, round trip %v",
						share, float64(theirs.next*(wire.HeaderSize+1024))/passes, theirs.ended, ours.policer.Pauses, ours.policer.Lost, ours.next, s.Size(), s.Srtt)
					if share < 0.9 {
						t.Errorf("%.3f of what the policer lets through, want 0.9", share)
					}
					if ours.ended {
						t.Error("the gateway ended the session")
					}
					if ours.next*payload < theirs.next*1024 {
						t.Errorf("%d KB arrived, of the plugin's %d", ours.next*payload/1e3, theirs.next*1024/1e3)
					}
				})
			}
		}
	}
}
