package proxy

import (
	"math/rand/v2"
	"time"
)

// Backoff is the pause between attempts: it doubles from Min to Max, and each
// pause is cut by up to a quarter at random, so that many tunnels that were
// lost together do not come back together.
type Backoff struct {
	Min, Max time.Duration
	// Random returns a number in [0,1); nil means math/rand.
	Random func() float64
}

// DefaultBackoff starts at half a second and settles at half a minute.
var DefaultBackoff = Backoff{Min: 500 * time.Millisecond, Max: 30 * time.Second}

// Pause returns how long to wait after the given number of failed attempts in
// a row, from 1.
func (b Backoff) Pause(failed int) time.Duration {
	if b.Min <= 0 {
		b.Min, b.Max = DefaultBackoff.Min, DefaultBackoff.Max
	}
	d := b.Min
	for i := 1; i < failed && d < b.Max; i++ {
		d *= 2
	}
	d = min(d, max(b.Max, b.Min))
	random := b.Random
	if random == nil {
		random = rand.Float64
	}
	return d - time.Duration(random()*float64(d)/4)
}
