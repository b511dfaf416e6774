package channel

import "time"

// trickle notices a long download from a paced agent: a full message every
// millisecond, each of which would wake the reader, a writer and two programs.
// The reader then pauses before it reads on, so that many messages come at once,
// for a fraction of the CPU time. What takes less than half a second never
// waits, nor does the answer to anything that we send meanwhile.
type trickle struct {
	on    bool
	good  int       // intervals of such messages, in a row
	n     int       // messages in this interval
	full  int       // full ones among them
	since time.Time // its start
	last  time.Time
	awake time.Time // no pause until then
	timer *time.Timer
}

const (
	trickleJudge = 128 * time.Millisecond // an interval, at least: longer than a pause
	trickleGood  = 4                      // intervals before the first pause
	trickleFast  = 250 * time.Microsecond // from one message to the next, on average
	trickleSlow  = 4 * time.Millisecond
	tricklePause = 60 * time.Millisecond
	trickleAwake = 500 * time.Millisecond
	trickleWater = 256 << 10              // bytes, more than come in a pause
	trickleGap   = 200 * time.Microsecond // longer than from one message at hand to the next
	trickleBurst = time.Millisecond       // what came in a pause is handled within it
	fullMessage  = HeaderSize + 1000      // agents put 1024 bytes into one
)

// came counts a message. It reports whether to pause: the messages flow as said,
// and there was no further one at hand.
func (t *trickle) came(size int, now time.Time) (pause bool) {
	gap := now.Sub(t.last)
	t.last = now
	t.n++
	if size >= fullMessage {
		t.full++
	}
	if d := now.Sub(t.since); d >= trickleJudge {
		each := d / time.Duration(t.n)
		if t.good++; 4*t.full < 3*t.n || each < trickleFast || each > trickleSlow {
			t.good = 0
		}
		t.on = t.good >= trickleGood
		t.n, t.full, t.since = 0, 0, now
	}
	return t.on && gap > trickleGap && size >= fullMessage && now.After(t.awake)
}

// rest pauses, but not beyond halt, nor when we send something.
func (t *trickle) rest(halt, talking <-chan struct{}) {
	if t.timer == nil {
		t.timer = time.NewTimer(tricklePause)
	} else {
		t.timer.Reset(tricklePause)
	}
	select {
	case <-t.timer.C:
	case <-talking:
		t.awake = time.Now().Add(trickleAwake)
	case <-halt:
	}
	t.last = time.Now()
}
