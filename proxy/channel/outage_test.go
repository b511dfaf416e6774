package channel

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"ssmguard/proxy"
)

func asIs(*vnet, *Options) {}

// count returns how many events of a kind there were.
func (r *vrig) count(k EventKind) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, e := range r.events {
		if e.Kind == k {
			n++
		}
	}
	return n
}

// cut takes the line down, or brings it back.
func (r *vrig) cut(down bool) {
	r.net.setDown(down)
	if down {
		r.net.each(func(c *vconn) { c.reset(syscall.ECONNRESET) })
	}
	time.Sleep(time.Second)
}

// Connections that come during an outage wait at the door: what their owners give
// up meanwhile is not piled up for the remote port.
func TestConnectionsWaitForTheLine(t *testing.T) {
	withVrig(t, asIs, func(t *testing.T, r *vrig) {
		synctest.Wait() // the handshake is acknowledged
		r.cut(true)
		answered := make(chan time.Duration, 3)
		for i := range uint64(3) {
			go func() {
				conn := r.connect('e')
				defer conn.Close()
				answered <- r.query(conn, i)
			}()
		}
		time.Sleep(30 * time.Minute)
		if s := r.c.Stats(); s.Opened != 0 || s.Unacked != 0 || r.count(Lost) != 1 {
			t.Errorf("stats %+v, events %+v", s, r.events)
		}
		r.cut(false)
		for range 3 {
			if d := <-answered; d > 31*time.Minute {
				t.Errorf("answered after %v", d)
			}
		}
	})
}

// An outage is no silence of the far side: a connection whose local end is done
// gets its whole answer.
func TestHalfCloseOutlastsOutage(t *testing.T) {
	for name, disturb := range map[string]func(*vrig){
		"cut":   func(r *vrig) { r.cut(true); time.Sleep(10 * time.Minute); r.cut(false) },
		"stall": func(r *vrig) { r.net.each(func(c *vconn) { c.stall(true) }) },
		"pause": func(r *vrig) {
			r.net.each(func(c *vconn) { c.stall(true) })
			time.Sleep(6 * time.Second)
			r.net.each(func(c *vconn) { c.stall(false) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			withVrig(t, asIs, func(t *testing.T, r *vrig) {
				conn := r.connect('h')
				defer conn.Close()
				conn.CloseWrite() //nolint:errcheck // it never fails
				first := make([]byte, 6)
				if _, err := io.ReadFull(conn, first); err != nil {
					t.Fatal(err)
				}
				go disturb(r)
				rest, err := io.ReadAll(conn)
				if got := string(first) + string(rest); got != "first second" || err != nil {
					t.Errorf("%q, %v", got, err)
				}
				time.Sleep(20 * time.Minute) // until disturb is done
			})
		})
	}
}

// The service closes websockets about once an hour, in all order. Nobody notices.
func TestClosedEveryHour(t *testing.T) {
	withVrig(t, asIs, func(t *testing.T, r *vrig) {
		conn := r.connect('e')
		defer conn.Close()
		for i := range uint64(24) {
			time.Sleep(time.Hour)
			r.agent.closeFrame(websocket.CloseNormalClosure)
			if d := r.query(conn, i); d > 2*time.Second {
				t.Errorf("hour %d: a query took %v", i, d)
			}
		}
		if s := r.c.Stats(); s.Resumed != 24 || s.Open != 1 {
			t.Errorf("stats %+v", s)
		}
	})
}

// A name server that is away for an hour, for the API or for the gateway alone,
// is asked with moderation, and the session goes on where it was.
func TestNameServerAway(t *testing.T) {
	noSuchHost := &net.DNSError{Err: "server misbehaving", Name: "mgs.test", IsTemporary: true}
	for name, api := range map[string]bool{"of the API": true, "of the gateway": false} {
		t.Run(name, func(t *testing.T) {
			var away atomic.Bool
			var asked atomic.Int32
			withVrig(t, func(n *vnet, o *Options) {
				inner := o.Resume
				o.Resume = func(ctx context.Context, id string) (a, b proxy.Secret, err error) {
					if api && away.Load() {
						asked.Add(1)
						return a, b, noSuchHost
					}
					return inner(ctx, id)
				}
				o.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
					if away.Load() {
						asked.Add(1)
						return nil, &net.OpError{Op: "dial", Net: network, Err: noSuchHost}
					}
					return n.dial(ctx, network, addr)
				}
			}, func(t *testing.T, r *vrig) {
				conn := r.connect('e')
				defer conn.Close()
				r.query(conn, 1)
				away.Store(true)
				r.net.each(func(c *vconn) { c.reset(syscall.ECONNRESET) })
				time.Sleep(time.Hour)
				if n := asked.Load(); n < 200 || n > 400 {
					t.Errorf("asked %d times in an hour", n)
				}
				away.Store(false)
				if d := r.query(conn, 2); d > 20*time.Second {
					t.Errorf("back after %v", d)
				}
			})
		})
	}
}

// ResumeSession may name another URL; one that names none keeps the last.
func TestStreamURLChanges(t *testing.T) {
	var resumed atomic.Int32
	withVrig(t, func(_ *vnet, o *Options) {
		inner := o.Resume
		o.Resume = func(ctx context.Context, id string) (streamURL, token proxy.Secret, err error) {
			_, token, err = inner(ctx, id)
			if resumed.Add(1) == 1 {
				streamURL = proxy.NewSecret("ws://elsewhere.test/moved")
			}
			return streamURL, token, err
		}
	}, func(t *testing.T, r *vrig) {
		conn := r.connect('e')
		defer conn.Close()
		for i := range uint64(3) {
			r.query(conn, i)
			r.net.each(func(c *vconn) { c.reset(syscall.ECONNRESET) })
			time.Sleep(time.Second)
		}
		r.query(conn, 9)
		r.agent.mu.Lock()
		defer r.agent.mu.Unlock()
		if want := []string{"/v1/data-channel/sess-1", "/moved", "/moved", "/moved"}; !slices.Equal(r.agent.paths, want) {
			t.Errorf("connected to %q, want %q", r.agent.paths, want)
		}
	})
}

// A wall clock that is put back changes nothing; one that is put forward looks
// like sleep and costs a new connection, but no byte.
func TestWallClockIsSet(t *testing.T) {
	for step, lost := range map[time.Duration]int{-time.Hour: 0, -24 * 365 * time.Hour: 0, time.Second: 0, time.Hour: 1} {
		t.Run(step.String(), func(t *testing.T) {
			var off atomic.Int64
			withVrig(t, func(_ *vnet, o *Options) {
				o.wall = func() time.Time { return time.Now().Round(0).Add(time.Duration(off.Load())) }
			}, func(t *testing.T, r *vrig) {
				conn := r.connect('e')
				defer conn.Close()
				r.query(conn, 1)
				off.Store(int64(step))
				time.Sleep(time.Minute)
				if r.query(conn, 2); r.count(Lost) != lost {
					t.Errorf("events %+v", r.events)
				}
			})
		})
	}
}

// A line that is slow, but alive, is not cut.
func TestSlowLine(t *testing.T) {
	withVrig(t, func(n *vnet, _ *Options) { n.rate, n.buffer = 3<<10, 8<<10 }, func(t *testing.T, r *vrig) {
		conn := r.connect('e')
		defer conn.Close()
		const size = 300 << 10
		go conn.Write(randomBytes(size)) //nolint:errcheck // the echo tells
		if _, err := io.CopyN(io.Discard, conn, size); err != nil || r.count(Lost) > 0 {
			t.Errorf("%v; events %+v", err, r.events)
		}
	})
}

// A refusal whose connection has gone already is not blamed on another one, which
// ends in peace.
func TestRefusalIsNotAnothers(t *testing.T) {
	withVrig(t, asIs, func(t *testing.T, r *vrig) {
		gone := r.connect('r')
		time.Sleep(100 * time.Millisecond)
		gone.SetLinger(0) //nolint:errcheck // it never fails
		gone.Close()
		time.Sleep(5 * time.Second)
		if n := r.count(Refused); n != 1 {
			t.Errorf("%d refusals told", n)
		}
		quits := r.connect('q')
		defer quits.Close()
		if n, err := quits.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("%d, %v; want a clean end", n, err)
		}
		refused := r.connect('r')
		defer refused.Close()
		if n, err := refused.Read(make([]byte, 1)); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("%d, %v; want a reset", n, err)
		}
	})
}

// Whoever is told of an event may ask for the counts.
func TestStatsInEvent(t *testing.T) {
	var c atomic.Pointer[Channel]
	var told chan Stats
	withVrig(t, func(_ *vnet, o *Options) {
		told = make(chan Stats, 9)
		o.OnEvent = func(Event) { told <- c.Load().Stats() }
	}, func(t *testing.T, r *vrig) {
		c.Store(r.c)
		conn := r.connect('r')
		defer conn.Close()
		if s := <-told; s.Unreachable != 1 {
			t.Errorf("stats %+v", s)
		}
	})
}

// A machine that went to sleep without a network tries again as soon as it wakes,
// whatever the pause had come to.
func TestWakesWithoutNetwork(t *testing.T) {
	var off atomic.Int64
	withVrig(t, func(_ *vnet, o *Options) {
		o.wall = func() time.Time { return time.Now().Round(0).Add(time.Duration(off.Load())) }
		o.Backoff = proxy.Backoff{Min: 100 * time.Millisecond, Max: time.Hour}
	}, func(t *testing.T, r *vrig) {
		conn := r.connect('e')
		defer conn.Close()
		r.query(conn, 1)
		r.cut(true)
		time.Sleep(3 * time.Hour) // the next attempt is an hour away
		off.Store(int64(8 * time.Hour))
		r.net.setDown(false)
		if d := r.query(conn, 2); d > 3*time.Second {
			t.Errorf("back after %v", d)
		}
	})
}

// A connection over which we hear the agent, and it does not hear us, is given up: since the
// agent repeats what it has no acknowledgement of, no silence says that it is dead.
func TestDeadOneWay(t *testing.T) {
	withVrig(t, asIs, func(t *testing.T, r *vrig) {
		time.Sleep(time.Minute) // pings are answered
		answer := r.connect('h')
		defer answer.Close()
		first := make([]byte, len("first "))
		if _, err := io.ReadFull(answer, first); err != nil {
			t.Fatal(err)
		}
		r.net.each(func(c *vconn) { c.w.change(func() { c.w.stalled = true }) })
		dead := time.Now()
		echo := r.connect('e')
		defer echo.Close()
		if _, err := echo.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(echo, make([]byte, 1)); err != nil {
			t.Error(err)
		}
		if took := time.Since(dead); took > 40*time.Second {
			t.Errorf("an answer after %v", took)
		}
		if lost := r.count(Lost); lost != 1 {
			t.Errorf("%d losses, want 1", lost)
		}
	})
}
