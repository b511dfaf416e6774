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
}

const (
	startWindow = 64
	floorWindow = 32
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
		w.adapt(rtt - w.least())
	}
}

// adapt grows or shrinks the window by the time a message spent in queues.
func (w *Window) adapt(queued time.Duration) {
	switch {
	case w.current < w.slow && queued > queueing:
		w.slow = w.current
	case w.current < w.slow:
		w.current++
	case queued < calm:
		w.current += 1.0 / 16
	case queued > queueing:
		w.current -= 1.0 / 16
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
	w.current *= 0.7
	w.slow = w.current
	w.clamp()
}

// reset is for a new connection, whose path may be another.
func (w *Window) reset() {
	w.backoff = 0
	w.current, w.slow = float64(min(startWindow, w.limit)), float64(w.limit)
	w.minimum, w.epoch = [2]time.Duration{}, time.Time{}
}

func (w *Window) clamp() {
	w.current = min(max(w.current, min(floorWindow, float64(w.limit))), float64(w.limit))
}
