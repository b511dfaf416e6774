package reliable

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ssmguard/proxy/channel/wire"
)

// clockwork runs a sender against a far side that the test plays, in made-up time.
type clockwork struct {
	t   *testing.T
	s   Sender
	now time.Time
}

func newClockwork(t *testing.T, limit int) *clockwork {
	return &clockwork{t: t, s: Sender{Window: NewWindow(limit)}, now: time.Unix(1e9, 0)}
}

func (k *clockwork) offer(n int) (waiting []*waiter) {
	for range n {
		m := &Message{Buf: make([]byte, wire.HeaderSize+1)}
		if w := k.s.Offer(m); w != nil {
			waiting = append(waiting, w)
		}
	}
	return waiting
}

// sent returns the numbers of what goes out now.
func (k *clockwork) sent() (seqs []int64) {
	k.s.Expire(k.now)
	k.s.Collect(nil, 1<<30, k.now)
	for m := k.s.Flight.head; m != nil; m = m.next {
		if m.last.Equal(k.now) {
			seqs = append(seqs, m.seq)
		}
	}
	return seqs
}

func (k *clockwork) pass(d time.Duration) { k.now = k.now.Add(d) }

func (k *clockwork) ack(seqs ...int64) {
	for _, q := range seqs {
		if k.s.Ack(q, k.now) == nil {
			k.t.Errorf("acknowledgement of %d changed nothing", q)
		}
	}
}

func numbers(from, to int64) (s []int64) {
	for ; from <= to; from++ {
		s = append(s, from)
	}
	return s
}

func (k *clockwork) want(want []int64) {
	k.t.Helper()
	if diff := cmp.Diff(want, k.sent()); diff != "" {
		k.t.Errorf("sent (-want +got):\n%s", diff)
	}
}

func TestSenderNumbersInOrder(t *testing.T) {
	k := newClockwork(t, 1000)
	k.offer(5)
	k.want(numbers(0, 4))
	k.pass(time.Millisecond)
	k.want(nil)
	if k.s.Ack(7, k.now) != nil || k.s.Ack(-1, k.now) != nil {
		t.Error("acknowledged what was never sent")
	}
	k.ack(3)
	if k.s.Ack(3, k.now) != nil {
		t.Error("the same acknowledgement counted twice")
	}
	k.ack(0, 1, 2, 4)
	if k.s.All.Oldest() != nil || k.s.Flight.N != 0 {
		t.Error("something is left")
	}
}

// A message with later ones acknowledged is sent again at once, and alone.
func TestSenderResendsHoles(t *testing.T) {
	k := newClockwork(t, 1000)
	k.offer(20)
	k.want(numbers(0, 19))
	k.pass(20 * time.Millisecond)
	k.offer(10)
	k.want(numbers(20, 29))
	k.pass(20 * time.Millisecond)
	k.ack(slices.Concat(numbers(0, 4), numbers(8, 19))...)
	k.want(nil) // sent together with acknowledged ones: they may still come
	k.ack(20)
	k.want([]int64{5, 6, 7})
}

// When everything is silent, one message asks; its answer tells what was lost.
func TestSenderTimeout(t *testing.T) {
	k := newClockwork(t, 1000)
	k.offer(4)
	k.sent()
	k.pass(10 * time.Millisecond)
	k.ack(0, 1, 2, 3)
	k.offer(30)
	k.want(numbers(4, 33))
	k.pass(minTimeout - 1)
	k.want(nil)
	k.pass(1)
	k.want([]int64{4})
	k.pass(2*minTimeout - 1)
	k.want(nil) // it backs off
	k.pass(1)
	k.want([]int64{5})
	k.pass(10 * time.Millisecond)
	k.ack(5)
	k.pass(30 * time.Millisecond)
	var again []int64
	for range 5 { // one after the other: there may have been no room for all at once
		again = append(again, k.sent()...)
		k.pass(tick)
	}
	if want := slices.Concat(numbers(6, 33), []int64{4}); !slices.Equal(again, want) {
		t.Errorf("sent %v, want %v", again, want)
	}
}

// TestSenderAsksWithFullWindow: the message that asks goes out although the window,
// smaller by then, has no room.
func TestSenderAsksWithFullWindow(t *testing.T) {
	k := newClockwork(t, 1000)
	k.offer(4)
	k.sent()
	k.pass(10 * time.Millisecond)
	k.ack(0, 1, 2, 3)
	k.offer(k.s.Size())
	if n := len(k.sent()); n != k.s.Size() {
		t.Fatalf("%d messages sent, the window has %d", n, k.s.Size())
	}
	k.pass(minTimeout)
	k.want([]int64{4})
	if k.s.Flight.N <= k.s.Size() {
		t.Errorf("%d messages are in flight, the window has %d", k.s.Flight.N, k.s.Size())
	}
}

// A slow far side acknowledges everything late: only the question is sent twice.
func TestSenderPatientWithSlowPeer(t *testing.T) {
	k := newClockwork(t, 1000)
	k.offer(4)
	k.sent()
	k.pass(10 * time.Millisecond)
	k.ack(0, 1, 2, 3)
	k.offer(50)
	k.sent()
	k.pass(minTimeout)
	k.want([]int64{4})
	k.pass(50 * time.Millisecond)
	k.ack(numbers(4, 53)...)
	k.pass(time.Second)
	k.want(nil)
	if k.s.Resent != 1 {
		t.Errorf("%d messages sent again, want 1", k.s.Resent)
	}
}

func TestSenderRestart(t *testing.T) {
	k := newClockwork(t, 1000)
	k.offer(10)
	k.sent()
	k.ack(2, 3, 7)
	k.offer(3)
	k.pass(time.Second)
	k.s.Restart(k.now)
	k.want([]int64{0, 1, 4, 5, 6, 8, 9, 10, 11, 12})
}

// The window bounds what is in flight and what is queued; waiters are served in order.
func TestSenderBackPressure(t *testing.T) {
	k := newClockwork(t, 64)
	waiting := k.offer(100)
	if len(waiting) != 100-64-Reserve {
		t.Fatalf("%d wait", len(waiting))
	}
	k.want(numbers(0, 63))
	if !k.s.Withdraw(waiting[1]) || k.s.Withdraw(waiting[1]) {
		t.Error("a waiter can be withdrawn once")
	}
	k.pass(time.Millisecond)
	k.ack(0, 1)
	for i, w := range waiting {
		open := false
		select {
		case <-w.Done:
			open = true
		default:
		}
		if want := i == 0 || i == 2; open != want {
			t.Errorf("waiter %d admitted: %v", i, open)
		}
	}
	if k.s.Withdraw(waiting[0]) {
		t.Error("an admitted message was withdrawn")
	}
}

func TestSenderPaused(t *testing.T) {
	k := newClockwork(t, 1000)
	k.offer(3)
	k.s.Paused = true
	k.want([]int64{0}) // one, to see whether it is true
	k.pass(ProbeEvery - 1)
	k.want(nil)
	k.pass(1)
	k.want([]int64{1})
	k.ack(1)
	k.want([]int64{0, 2}) // it was not: what is overdue, and what is new
}

// While the agent is said to be away a full window neither keeps the writer
// awake nor ends the probes, until there is nothing left to probe with.
func TestSenderPausedWithFullWindow(t *testing.T) {
	k := newClockwork(t, 64)
	k.offer(64 + Reserve)
	k.want(numbers(0, 63))
	k.s.Paused = true
	for probe := range int64(Reserve) {
		at := k.s.Deadline(k.now)
		if !at.After(k.now) {
			t.Fatalf("probe %d: due %v ago", probe, k.now.Sub(at))
		}
		k.now = at
		k.want([]int64{64 + probe})
	}
	if at := k.s.Deadline(k.now); !at.IsZero() {
		t.Errorf("due in %v with nothing to send", at.Sub(k.now))
	}
}

// TestPauseInLightTraffic: after a pause an upload does not go at the pace of the few
// messages before it.
func TestPauseInLightTraffic(t *testing.T) {
	k := newClockwork(t, 1000)
	k.s.Pause(k.now)
	k.s.Unpause()
	k.s.slow = k.s.current // as after a loss
	for i := range int64(20) {
		k.offer(1)
		k.want([]int64{i})
		k.pass(20 * time.Millisecond)
		k.ack(i)
		k.pass(time.Second)
	}
	k.offer(40)
	var sent []int64
	for range 20 {
		sent = append(sent, k.sent()...)
		k.pass(tick)
	}
	if want := numbers(20, 59); !slices.Equal(sent, want) {
		t.Errorf("in 20 ms went %v, want %v", sent, want)
	}
}

// TestPauseHoldsBack: while the gateway pauses us and acknowledgements come, less is sent
// than was carried before, but not nothing, until it says that the pause is over, or long enough.
func TestPauseHoldsBack(t *testing.T) {
	for _, said := range []bool{true, false} {
		k := newClockwork(t, 1000)
		k.s.Pause(k.now)
		k.s.Unpause()
		var unacked []int64
		second := func() (n int) { // the path carries a message per ms
			for range 1000 {
				for k.s.Unsent.N < Reserve {
					k.offer(1)
				}
				sent := k.sent()
				n += len(sent)
				unacked = append(unacked, sent...)
				k.pass(time.Millisecond)
				if len(unacked) > 0 && k.now.Sub(k.s.All.Oldest().first) > 20*time.Millisecond {
					k.s.Ack(unacked[0], k.now)
					unacked = unacked[1:]
				}
			}
			return n
		}
		second()
		k.s.Pause(k.now)
		k.s.Ack(unacked[0], k.now)
		unacked = unacked[1:]
		if n := second(); n < 800 || n > 950 {
			t.Errorf("%d messages in a second of a pause, of 1000", n)
		}
		if said {
			k.s.Unpause()
		} else {
			for range mostPause / time.Second {
				second()
			}
		}
		if n := second(); n < 960 {
			t.Errorf("%d messages in a second after a pause, said %v", n, said)
		}
	}
}

func TestSenderStuck(t *testing.T) {
	k := newClockwork(t, 1000)
	if k.s.Stuck(k.now, time.Minute) {
		t.Error("stuck with nothing to do")
	}
	k.offer(2)
	k.sent()
	for range 59 {
		k.pass(time.Second)
		k.sent()
	}
	if k.s.Stuck(k.now, time.Minute) {
		t.Error("stuck too early")
	}
	k.pass(2 * time.Second)
	if !k.s.Stuck(k.now, time.Minute) {
		t.Error("not stuck after a minute")
	}
	k.s.Rest(k.now)
	if k.s.Stuck(k.now, time.Minute) {
		t.Error("stuck although nobody could read the answer")
	}
}

// TestSenderDelivers plays a far side that loses at random, both ways: in the
// end everything has arrived, and the window never exceeds its limit.
func TestSenderDelivers(t *testing.T) {
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 1))
		k := newClockwork(t, 200)
		loss := r.Float64() * 0.4
		arrived := map[int64]bool{}
		type packet struct {
			seq int64
			at  time.Time
		}
		var acks []packet
		total := int64(2000)
		k.offer(int(total))
		for step := 0; k.s.All.next() < total || k.s.All.Oldest() != nil; step++ {
			if step > 400000 {
				t.Fatalf("seed %d: no end, window %d, flight %d, lost %d", seed, k.s.Size(), k.s.Flight.N, k.s.Lost.N)
			}
			for _, q := range k.sent() {
				if r.Float64() > loss {
					arrived[q] = true
					if r.Float64() > loss {
						acks = append(acks, packet{q, k.now.Add(time.Duration(20+r.IntN(10)) * time.Millisecond)})
					}
				}
			}
			if k.s.Flight.N > 200+1 {
				t.Fatalf("seed %d: %d in flight", seed, k.s.Flight.N)
			}
			k.pass(time.Millisecond)
			acks = slices.DeleteFunc(acks, func(p packet) bool {
				if p.at.After(k.now) {
					return false
				}
				k.s.Ack(p.seq, k.now)
				return true
			})
		}
		if int64(len(arrived)) != total {
			t.Errorf("seed %d: %d of %d arrived", seed, len(arrived), total)
		}
	}
}

func TestWindowAdapts(t *testing.T) {
	now := time.Unix(1e9, 0)
	w := NewWindow(4000)
	for range 3000 {
		w.sample(20*time.Millisecond, true, now)
	}
	if w.Size() < 3000 {
		t.Errorf("window %d on a line without queues", w.Size())
	}
	for range 30000 {
		w.sample(200*time.Millisecond, true, now)
	}
	if w.Size() > 2500 {
		t.Errorf("window %d with 180 ms of queueing", w.Size())
	}
	grown := w.Size()
	for range 1000 {
		w.sample(20*time.Millisecond, false, now)
	}
	if w.Size() != grown {
		t.Error("the window grew although it was not used")
	}
	for range 100 {
		w.shrink(true, now)
	}
	if w.Size() != floorWindow || w.timeout() > 2*maxTimeout {
		t.Errorf("window %d, timeout %v after a long silence", w.Size(), w.timeout())
	}
}
