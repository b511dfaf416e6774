package cli

import (
	"sync"

	"ssmguard/proxy/channel"
)

// traffic counts what a tunnel has carried over all its sessions.
type traffic struct {
	mu   sync.Mutex
	live map[*channel.Channel]bool
	past counts
}

// counts are the numbers of a tunnel.
type counts struct {
	Up       int64 `json:"up"`       // bytes to the far side
	Down     int64 `json:"down"`     // bytes from there
	Open     int   `json:"open"`     // connections now
	Opened   int   `json:"opened"`   // connections ever
	Sessions int   `json:"sessions"` // ever
	Resumed  int64 `json:"resumed"`  // times a session's connection was lost and came back
}

// carry counts a channel from now on, until the function it returns is called.
func (t *traffic) carry(ch *channel.Channel) (end func()) {
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

func (c *counts) add(s channel.Stats) {
	c.Up += s.Up
	c.Down += s.Down
	c.Opened += s.Opened
	c.Resumed += s.Resumed
}

// counts returns the numbers so far.
func (t *traffic) counts() counts {
	t.mu.Lock()
	defer t.mu.Unlock()
	sum := t.past
	for ch := range t.live {
		s := ch.Stats()
		sum.add(s)
		sum.Open += s.Open
	}
	return sum
}

// session counts one that is carried by somebody else.
func (t *traffic) session() { t.change(func(c *counts) { c.Sessions++ }) }

// connection counts one that is opened (1) or closed (-1).
func (t *traffic) connection(n int) {
	t.change(func(c *counts) {
		c.Open += n
		c.Opened += max(n, 0)
	})
}

func (t *traffic) up(b []byte)   { t.change(func(c *counts) { c.Up += int64(len(b)) }) }
func (t *traffic) down(b []byte) { t.change(func(c *counts) { c.Down += int64(len(b)) }) }

func (t *traffic) change(by func(*counts)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	by(&t.past)
}
