package reliable

import "time"

// Window estimates the round trip and decides how many messages may be in
// flight. It grows as long as acknowledgements come without queueing, so that a
// small query beside an upload waits for tens of milliseconds, not for megabytes.
type Window struct {
	limit    int     // upper bound, messages
	current  float64 // messages
	slow     float64 // below it the window doubles per round trip
	Srtt     time.Duration
	variance time.Duration
	backoff  uint
	reduced  time.Time // messages sent before are of the loss already answered
	minimum  [2]time.Duration
	epoch    time.Time // start of minimum[0]'s interval
	carried  carried
	pacer    pacer
	growth   float64 // messages per acknowledgement, since the last loss
}

const (
	startWindow = 64
	floorWindow = 32
	floorPaced  = 16       // on a path that has lost something: its queue may hold less than 32
	usualGrowth = 1.0 / 16 // messages per acknowledgement
	leastGrowth = 1.0 / 64 // after a loss
	faster      = 1.5      // growth, each round trip without a loss
	minTimeout  = 200 * time.Millisecond
	maxTimeout  = 2 * time.Second
	minEpoch    = 10 * time.Second // a minimum is forgotten after one to two of these
	calm        = 20 * time.Millisecond
	queueing    = 60 * time.Millisecond
)

// NewWindow returns a window that may grow to limit messages.
func NewWindow(limit int) Window {
	return Window{limit: limit, current: float64(min(startWindow, limit)), slow: float64(limit)}
}

// Size is how many messages may be in flight.
func (w *Window) Size() int { return int(w.current) }

// least is the shortest round trip seen lately.
func (w *Window) least() time.Duration {
	if w.minimum[1] != 0 && w.minimum[1] < w.minimum[0] {
		return w.minimum[1]
	}
	return w.minimum[0]
}

// timeout is the retransmission timeout.
func (w *Window) timeout() time.Duration {
	if w.Srtt == 0 {
		return min(500*time.Millisecond<<w.backoff, 2*maxTimeout)
	}
	base := min(max(w.Srtt+max(4*w.variance, 50*time.Millisecond), minTimeout), max(maxTimeout, 2*w.Srtt))
	return min(base<<w.backoff, 2*max(maxTimeout, 2*w.Srtt))
}

// sample takes one measured round trip; limited says that the window was full.
func (w *Window) sample(rtt time.Duration, limited bool, now time.Time) {
	rtt = max(rtt, 1)
	w.backoff = 0
	if w.Srtt == 0 {
		w.Srtt, w.variance = rtt, rtt/2
	} else {
		w.variance += (max(w.Srtt-rtt, rtt-w.Srtt) - w.variance) / 4
		w.Srtt += (rtt - w.Srtt) / 8
	}
	if w.epoch.IsZero() || now.Sub(w.epoch) > minEpoch {
		w.minimum[1], w.minimum[0], w.epoch = w.minimum[0], rtt, now
	}
	w.minimum[0] = min(w.minimum[0], rtt)
	if limited {
		w.adapt(rtt-w.least(), now)
	}
}

// adapt grows or shrinks the window by the time a message spent in queues.
func (w *Window) adapt(queued time.Duration, now time.Time) {
	switch {
	case w.current < w.slow && queued > queueing:
		w.slow = w.current
	case now.Before(w.pacer.pausing):
	case w.current < w.slow:
		w.current++
	case queued < calm && w.pacer.on:
		w.current += w.growth
	case queued < calm:
		w.current += usualGrowth
	case queued > queueing:
		w.current -= usualGrowth
	}
	w.clamp()
}

// shrink answers a loss, once per round trip: acked is when the newest
// acknowledged message was sent.
func (w *Window) shrink(timeout bool, acked time.Time) {
	if timeout {
		w.backoff = min(w.backoff+1, 4)
	} else if !acked.After(w.reduced) {
		return
	}
	w.reduced = acked.Add(w.Srtt)
	before := w.current
	w.current *= 0.7
	switch {
	case timeout && !w.pacer.on: // silence is no full queue
		w.slow = w.current
	case w.backoff > 1:
		w.carried = carried{} // what has been measured holds no longer
		w.slow, w.growth = w.current, max(1/w.current, leastGrowth)
	default:
		w.pacer.on = true
		w.carried.doubt()
		w.current = min(max(w.current, w.needed()), before)
		w.settle(before)
	}
	w.clamp()
}

// settle is for a loss: the window has been before and is smaller now.
func (w *Window) settle(before float64) {
	switch {
	case w.growth == 0: // that of a burst, before there was a pacer: it says little of the path
		w.growth = usualGrowth
	case before < w.slow: // the first guess of what the path carries
		w.slow, w.growth = w.current, usualGrowth
	default:
		w.slow, w.growth = w.current, max(1/w.current, leastGrowth)
	}
}

// round is for the end of a round trip of carried: the window grows faster the longer there
// has been no loss, and is never smaller than what the path needs.
func (w *Window) round() {
	w.growth = min(faster*w.growth, 1)
	if w.pacer.on {
		w.current = max(w.current, w.needed())
		w.clamp()
	}
}

// needed is what has to be in flight for the rate that the path carries; the queue at its
// bottleneck is empty then.
func (w *Window) needed() float64 { return w.carried.most() * w.least().Seconds() }

// reset is for a new connection, whose path may be another.
func (w *Window) reset() {
	w.backoff = 0
	w.current, w.slow = float64(min(startWindow, w.limit)), float64(w.limit)
	w.minimum, w.epoch = [2]time.Duration{}, time.Time{}
	w.carried, w.pacer, w.growth = carried{}, pacer{}, 0
}

func (w *Window) clamp() {
	floor := float64(floorWindow)
	if w.pacer.on {
		floor = floorPaced
	}
	w.current = min(max(w.current, min(floor, float64(w.limit))), float64(w.limit))
}
