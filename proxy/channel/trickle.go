package channel

import (
	"sync/atomic"
	"time"

	"ssmguard/proxy"
	"ssmguard/proxy/channel/wire"
)

// pace is what the reader and those that send tell each other about a long download.
// It needs no lock.
type pace struct {
	steady atomic.Bool   // a long download flows slowly, see trickle
	sends  atomic.Uint64 // how often we have sent something
	sent   chan struct{} // we have sent something meanwhile
}

// note tells the reader that we send something: an answer may be on its way.
func (p *pace) note() {
	p.sends.Add(1)
	if p.steady.Load() {
		proxy.Signal(p.sent)
	}
}

// trickle notices a long download from a paced agent: a full message every
// millisecond, each of which would wake the reader, a writer and two programs.
// The reader then pauses before it reads on, so that many messages come at once,
// for a fraction of the CPU time. A pause is at most an eighth of the time that
// the download has lasted, and whatever we send starts that anew: no answer takes
// more than an eighth longer, and a short one not at all. While a message is missing there
// is no pause: the agent sends the next missing one when it has the acknowledgement.
type trickle struct {
	on    bool
	sends uint64    // what pace.sends was when the flow began
	began time.Time // when the flow did
	since time.Time // the start of the interval that is being judged
	n     int       // messages in it
	full  int       // full ones among them
	last  time.Time
	timer *time.Timer
}

const (
	trickleYoung = 64 * time.Millisecond  // a flow that has not lasted so long has no pauses
	trickleShare = 8                      // of its time is one pause
	tricklePause = 200 * time.Millisecond // at most
	trickleJudge = 32 * time.Millisecond  // an interval, at least, and two pauses
	trickleFast  = 250 * time.Microsecond // from one message to the next, on average
	trickleSlow  = 4 * time.Millisecond
	trickleWater = 256 << 10              // bytes, more than agents send in a pause
	trickleGap   = 200 * time.Microsecond // longer than from one message at hand to the next
	trickleBurst = time.Millisecond       // what came in a pause is handled within it
	fullMessage  = wire.HeaderSize + 1000 // agents put 1024 bytes into one
)

// came counts a message; sends is how often we have sent something. It returns
// how long to pause: 0 unless the messages flow as said and no further one was at hand.
func (t *trickle) came(size int, sends uint64, now time.Time) time.Duration {
	gap := now.Sub(t.last)
	t.last = now
	if sends != t.sends || t.began.IsZero() {
		t.sends = sends
		t.restart(now)
	}
	t.n++
	if size >= fullMessage {
		t.full++
	}
	pause := min(now.Sub(t.began)/trickleShare, tricklePause)
	if d := now.Sub(t.since); d >= max(trickleJudge, 2*pause) {
		each := d / time.Duration(t.n)
		if 4*t.full < 3*t.n || each < trickleFast || each > trickleSlow {
			t.restart(now)
		}
		t.n, t.full, t.since = 0, 0, now
	}
	t.on = now.Sub(t.began) >= trickleYoung
	if !t.on || gap <= trickleGap || size < fullMessage {
		return 0
	}
	return pause
}

func (t *trickle) restart(now time.Time) {
	t.began, t.since, t.n, t.full = now, now, 0, 0
}

// rest pauses, but not beyond halt, nor when we send something.
func (t *trickle) rest(pause time.Duration, halt, sent <-chan struct{}) {
	if t.timer == nil {
		t.timer = time.NewTimer(pause)
	} else {
		t.timer.Reset(pause)
	}
	select {
	case <-t.timer.C:
	case <-sent:
	case <-halt:
	}
	t.last = time.Now()
}
