package dial

import (
	"sync"

	"ssmguard/proxy/channel"
)

// Traffic counts what a tunnel has carried over all its sessions.
type Traffic struct {
	mu   sync.Mutex
	live map[*channel.Channel]bool
	past Counts
}

// Counts are the numbers of a tunnel.
type Counts struct {
	Up       int64 `json:"up"`       // bytes to the far side
	Down     int64 `json:"down"`     // bytes from there
	Open     int   `json:"open"`     // connections now
	Opened   int   `json:"opened"`   // connections ever
	Sessions int   `json:"sessions"` // ever
	Resumed  int64 `json:"resumed"`  // times a session's connection was lost and came back
	// Rate is how many bytes per second the way to the far side has been found to carry, 0
	// while nothing is sent or as long as it is not known.
	Rate int64 `json:"rate,omitempty"`
	// RoundTripMs is how many milliseconds pass until the far side acknowledges what is sent, 0
	// as long as that is not known; with several sessions, the longest.
	RoundTripMs float64 `json:"roundTripMs,omitempty"`
}

// Carry counts a channel's traffic until the returned function is called.
func (t *Traffic) Carry(ch *channel.Channel) (end func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.live == nil {
		t.live = make(map[*channel.Channel]bool)
	}
	t.live[ch] = true
	t.past.Sessions++
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.live, ch)
		t.past.add(ch.Stats())
	}
}

func (c *Counts) add(s channel.Stats) {
	c.Up += s.Up
	c.Down += s.Down
	c.Opened += s.Opened
	c.Resumed += s.Resumed
}

// Counts returns the numbers so far.
func (t *Traffic) Counts() Counts {
	t.mu.Lock()
	defer t.mu.Unlock()
	sum := t.past
	for ch := range t.live {
		s := ch.Stats()
		sum.add(s)
		sum.Open += s.Open
		sum.Rate += s.Rate
		sum.RoundTripMs = max(sum.RoundTripMs, float64(s.RoundTrip.Microseconds())/1000)
	}
	return sum
}

// Session counts a session that the plugin carries.
func (t *Traffic) Session() { t.change(func(c *Counts) { c.Sessions++ }) }

// Connection counts a connection that is opened (1) or closed (-1).
func (t *Traffic) Connection(n int) {
	t.change(func(c *Counts) {
		c.Open += n
		c.Opened += max(n, 0)
	})
}

// Up counts bytes to the far side.
func (t *Traffic) Up(b []byte) { t.change(func(c *Counts) { c.Up += int64(len(b)) }) }

// Down counts bytes from the far side.
func (t *Traffic) Down(b []byte) { t.change(func(c *Counts) { c.Down += int64(len(b)) }) }

func (t *Traffic) change(by func(*Counts)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	by(&t.past)
}
