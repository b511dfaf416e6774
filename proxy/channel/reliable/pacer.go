package reliable

import (
	"slices"
	"time"
)

// pacer spreads messages over the round trip. It is off until something is lost or the
// gateway asks for a pause: a path that has room for a burst is used without timers. From
// then on what would be one burst overflows the gateway's queue, however short it is.
type pacer struct {
	on      bool
	told    bool      // the gateway has asked for a pause, and not said that it is over
	pausing time.Time // until then its queue is emptied
	next    time.Time // when the next message may go
}

const (
	startGain = 2.0                  // of the window per round trip while it doubles, as Linux' TCP has it
	paceGain  = 1.05                 // of what the path carries, and as much more as the window grows
	drainGain = 0.9                  // of what the path carries: its queue gets empty, and it is never idle
	burst     = 2 * time.Millisecond // that a late timer may make up for,
	fewest    = 8                    // or that many messages, if they are more
	tick      = time.Millisecond     // timers are no finer
	mostPause = 5 * time.Second      // after a pause whose end is not said
)

// interval is the time between two messages; 0 is none.
func (w *Window) interval(now time.Time) time.Duration {
	if !w.pacer.on || w.Srtt == 0 {
		return 0
	}
	rate, most := startGain*w.current/w.Srtt.Seconds(), w.carried.most()
	switch {
	case most == 0:
	case now.Before(w.pacer.pausing):
		rate = drainGain * most
	case w.current >= w.slow:
		rate = (paceGain + w.growth) * most
	}
	return time.Duration(float64(time.Second) / rate)
}

// Rate returns how many messages per second the path has been found to carry lately, 0 while
// nothing is under way or as long as the path was never used to the full.
func (s *Sender) Rate() float64 {
	if s.Flight.N+s.Lost.N+s.Unsent.N == 0 {
		return 0
	}
	return s.carried.most()
}

// takeTurn reports whether a message may go now, and counts it if so.
func (w *Window) takeTurn(now time.Time) bool {
	every := w.interval(now)
	if every == 0 {
		return true
	}
	if w.pacer.next.After(now) {
		return false
	}
	w.pacer.next = Latest(w.pacer.next, now.Add(-max(burst, fewest*every))).Add(every)
	return true
}

// turn is when messages may go again: a tick's worth of them at once.
func (w *Window) turn(now time.Time) time.Time {
	if w.interval(now) == 0 || !w.pacer.next.After(now) {
		return now
	}
	return Latest(w.pacer.next, now.Add(tick))
}

// carried measures how many messages per second the path has carried lately: the most in
// one of the last rounds, as BBR has it.
type carried struct {
	begin  time.Time // of the round under way
	n      int       // acknowledgements in it
	full   int       // how many of them found that more waited to be sent than the path took
	rounds [8]float64
	at     int
}

const minRound = 25 * time.Millisecond

// count takes an acknowledgement; full says that more waited to be sent then than the path
// took, held that it was held back. It reports whether a round has ended in which the path
// was used to the full.
func (c *carried) count(now time.Time, srtt time.Duration, full, held bool) bool {
	if c.begin.IsZero() {
		c.begin = now
		return false
	}
	c.n++
	if full {
		c.full++
	}
	d := now.Sub(c.begin)
	if d < max(srtt, minRound) {
		return false
	}
	// A few messages say nothing of what the path could carry, nor does less than that.
	rate, most, whole := float64(c.n)/d.Seconds(), c.most(), c.full > c.n/2
	if whole && !held || rate > most && (whole || most > 0) {
		c.rounds[c.at] = rate
		c.at = (c.at + 1) % len(c.rounds)
	}
	c.begin, c.n, c.full = now, 0, 0
	return whole && !held
}

// doubt is for a loss: it may have been taken for more than it is.
func (c *carried) doubt() {
	for i := range c.rounds {
		c.rounds[i] *= 0.98
	}
}

// most is in messages per second; 0: nothing is known.
func (c *carried) most() float64 { return slices.Max(c.rounds[:]) }
