package channel_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ssmguard/internal/sandbox/gateway"
	"ssmguard/proxy"
	"ssmguard/proxy/channel"
)

// TestEndingsLeaveNothing ends a session that carries connections of every kind in
// every way: no goroutine, file descriptor or session stays.
func TestEndingsLeaveNothing(t *testing.T) {
	if _, err := os.ReadDir("/proc/self/fd"); err != nil {
		t.Skip("the system does not show its file descriptors")
	}
	gone := func(context.Context, string) (a, b proxy.Secret, err error) { return a, b, channel.ErrSessionGone }
	var ends atomic.Bool // until then a connection that a busy machine loses is resumed
	for _, way := range []struct {
		name  string
		edit  func(*channel.Options)
		end   func(r *rig)
		keeps bool // the service learns of it by TerminateSession alone
	}{
		{"Close", nil, func(r *rig) { r.c.Close() }, false},
		{"the context of Forward", nil, func(r *rig) { r.cancel() }, false},
		{"the local end", nil, func(r *rig) { r.in.Close() }, false},
		{"the service", nil, func(r *rig) { r.s.Finish("idle") }, false},
		{"RST and gone", func(o *channel.Options) { o.Resume = gone }, func(r *rig) { r.s.Cut(gateway.CutRST) }, true},
		{"FIN and no way to resume", func(o *channel.Options) { o.Resume = nil }, func(r *rig) { r.s.Cut(gateway.CutFIN) }, true},
		{"stall and gone", func(o *channel.Options) {
			resume := o.Resume
			o.Resume = func(ctx context.Context, id string) (a, b proxy.Secret, err error) {
				if ends.Load() {
					return gone(ctx, id)
				}
				return resume(ctx, id)
			}
			o.PingEvery, o.Silence = 50*time.Millisecond, 300*time.Millisecond
		}, func(r *rig) { ends.Store(true); r.s.Cut(gateway.Stall) }, true},
		{"refused", nil, func(r *rig) { r.s.RefuseConnects(1 << 30); r.s.Cut(gateway.CutRST) }, true},
		{"while away", nil, func(r *rig) {
			r.s.RefuseResumes(1 << 30)
			r.s.Cut(gateway.CutRST)
			r.await(channel.Lost, 1)
			r.c.Close()
		}, true},
		{"stall and Close", nil, func(r *rig) { r.s.Cut(gateway.Stall); r.c.Close() }, true},
	} {
		t.Run(way.name, func(t *testing.T) {
			before := 1 << 20
			for round := range 2 { // the first one opens what the process keeps
				t.Run(fmt.Sprint("round ", round), func(t *testing.T) {
					ends.Store(false)
					r := busyRig(t, func(o *channel.Options) {
						if !way.keeps { // the far side answers, however busy the machine is
							o.Wait(patience)
						}
						if way.edit != nil {
							way.edit(o)
						}
					})
					way.end(r)
					r.serverLeaves() // an agent whose input waits for a server does not see that the session ends
					select {
					case err := <-r.forward:
						r.forward <- err
					case <-time.After(patience):
						t.Fatal("Forward goes on")
					}
					r.c.Close()
					if way.keeps {
						return
					}
					select {
					case <-r.s.Done():
					case <-time.After(patience):
						t.Errorf("the session goes on: %+v", r.s.Status())
					}
				})
				if left := leftBehind(); left != "" {
					t.Errorf("goroutines left:\n%s", left)
				}
				now := openFiles(before)
				if now > before {
					t.Errorf("%d files are open, %d were before", now, before)
				}
				before = now
			}
		})
	}
}

// await waits for n events of a kind.
func (r *rig) await(k channel.EventKind, n int) {
	r.t.Helper()
	for limit := time.Now().Add(patience); r.seen(k) < n; {
		if time.Now().After(limit) {
			r.t.Fatalf("%d events %d, want %d", r.seen(k), k, n)
		}
		<-time.After(time.Millisecond)
	}
}

// busyRig is a session with a connection that rests, one that does not read, one
// whose local end is done, one that uploads to somebody who does not read, and one
// that nobody takes yet.
func busyRig(t *testing.T, edit func(*channel.Options)) *rig {
	t.Helper()
	leave := make(chan struct{})
	server := listen(t, func(c *net.TCPConn) {
		b := make([]byte, 1)
		if n, err := c.Read(b); n == 0 || err != nil {
			return
		}
		switch b[0] {
		case 'f':
			floods(c)
		case 'w':
			<-leave
		default:
			c.Write(b) //nolint:errcheck // the test sees it
			echoes(c)
		}
	})
	r := newRig(t, config(server), func(o *channel.Options) {
		o.Backoff = proxy.Backoff{Min: 5 * time.Millisecond, Max: 50 * time.Millisecond}
		if edit != nil {
			edit(o)
		}
	})
	r.serverLeaves = sync.OnceFunc(func() { close(leave) })
	t.Cleanup(r.serverLeaves)
	for _, ask := range []string{"e", "f", "h", "w"} {
		conn := r.connect()
		if _, err := conn.Write([]byte(ask)); err != nil {
			t.Fatal(err)
		}
		switch ask {
		case "e", "h":
			conn.SetDeadline(time.Now().Add(patience)) //nolint:errcheck // the read fails then
			if _, err := conn.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			if ask == "h" {
				conn.CloseWrite() //nolint:errcheck // it may be over
			}
		case "w":
			go conn.Write(make([]byte, 16<<20)) //nolint:errcheck // ends with the connection
		}
	}
	for limit := time.Now().Add(patience); r.c.Stats().Buffered < 1<<20; {
		if time.Now().After(limit) {
			t.Fatalf("stats %+v", r.c.Stats())
		}
		<-time.After(time.Millisecond)
	}
	return r
}

// openFiles counts file descriptors; they may be closed shortly after what waits
// for it, so it waits for the count to come down to want.
func openFiles(want int) (n int) {
	for limit := time.Now().Add(patience); time.Now().Before(limit); <-time.After(5 * time.Millisecond) {
		runtime.GC()
		fds, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			return 0
		}
		if n = len(fds); n <= want {
			return n
		}
	}
	return n
}

// TestFailedDialsLeaveNothing: neither does a channel that never opened.
func TestFailedDialsLeaveNothing(t *testing.T) {
	for name, tc := range map[string]struct {
		config  gateway.SessionConfig
		prepare func(*gateway.Session)
		timeout time.Duration
		want    error
	}{
		"refused": {gateway.SessionConfig{Kind: gateway.Port}, func(s *gateway.Session) { s.RefuseConnects(1) }, patience, channel.ErrRefused},
		"token":   {gateway.SessionConfig{Kind: gateway.Port}, func(s *gateway.Session) { s.ExpireToken() }, patience, channel.ErrSessionGone},
		"silence": {gateway.SessionConfig{Kind: gateway.Port, Faults: every(gateway.Down, 1, gateway.Drop, 0)}, func(*gateway.Session) {}, time.Second, channel.ErrOpenTimeout},
		"closed":  {gateway.SessionConfig{Kind: gateway.Port, Faults: every(gateway.Up, 1, gateway.Close, 1)}, func(*gateway.Session) {}, patience, channel.ErrSessionGone},
		"no key":  {gateway.SessionConfig{Kind: gateway.Shell, KMSKeyID: "k"}, func(*gateway.Session) {}, patience, nil},
	} {
		t.Run(name, func(t *testing.T) {
			g := serve(t)
			session, err := g.Start(t.Context(), tc.config)
			if err != nil {
				t.Fatal(err)
			}
			s, _ := g.Session(session.ID)
			tc.prepare(s)
			c, err := channel.Dial(t.Context(), channel.Options{Session: session, OpenTimeout: tc.timeout})
			if c != nil || err == nil || tc.want != nil && !errors.Is(err, tc.want) {
				t.Errorf("%v, want %v", err, tc.want)
			}
			if left := leftBehind(); strings.Contains(left, "channel.(*Channel)") {
				t.Errorf("goroutines left:\n%s", left)
			}
		})
	}
}
