package channel

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ssmguard/proxy"
	"ssmguard/proxy/channel/wire"
)

// vrig is a session in made-up time. The first byte of a connection asks for
// an endless download ('d'), an echo ('e'), an answer in two parts ('h'), an end
// at once ('q'), a refusal after a second ('r'), a download of 512 KiB/s ('p'), or one of vfile bytes ('f').
type vrig struct {
	t      *testing.T
	net    *vnet // to the gateway
	local  *vnet
	agent  *vagent
	in     *Inlet
	c      *Channel
	done   chan error // what Forward returned
	mu     sync.Mutex
	events []Event
}

// vfile is the size of a download that ends.
const vfile = 16 << 20

func withVrig(t *testing.T, edit func(*vnet, *Options), f func(t *testing.T, r *vrig)) {
	t.Helper()
	withVrigForwarding(t, ForwardOptions{}, edit, f)
}

func withVrigForwarding(t *testing.T, forward ForwardOptions, edit func(*vnet, *Options), f func(t *testing.T, r *vrig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := newVnet()
		n.latency = 10 * time.Millisecond
		a := newVagent(n, request(newAgent, Port, portProps), vnoise{}, 1)
		r := &vrig{t: t, net: n, agent: a, local: newVnet()}
		s := scripted{t: t, net: newPipes()}
		opt := s.options()
		opt.DialContext = n.dial
		opt.Resume = func(context.Context, string) (streamURL, token proxy.Secret, err error) {
			return streamURL, a.ticket(), nil
		}
		opt.OnEvent = func(e Event) {
			r.mu.Lock()
			r.events = append(r.events, e)
			r.mu.Unlock()
		}
		edit(n, &opt)
		var err error
		if r.c, err = Dial(t.Context(), opt); err != nil {
			t.Fatal(err)
		}
		m := newVmux(a)
		var far sync.WaitGroup
		far.Go(func() { serveOrders(m, &far) })
		r.in = NewInlet(r.local)
		ctx, cancel := context.WithCancel(t.Context())
		r.done = make(chan error, 1)
		go func() { r.done <- r.c.Forward(ctx, r.in, forward) }()
		defer func() {
			cancel()
			if err := <-r.done; err != nil {
				t.Error(err)
			}
			r.in.Close()
			r.c.Close()
			n.Close()
			n.each(func(c *vconn) { c.reset(net.ErrClosed) }) // those that went dead, too
			a.stop()
			far.Wait()
		}()
		f(t, r)
	})
}

func serveOrders(m *vmux, far *sync.WaitGroup) {
	for {
		s, err := m.AcceptStream()
		if err != nil {
			return
		}
		far.Go(func() {
			defer s.Close()
			s.SetDeadline(time.Now().Add(30 * 24 * time.Hour))
			ask := make([]byte, 1)
			_, err := io.ReadFull(s, ask)
			if err != nil {
				return
			}
			switch ask[0] {
			case 'e':
				io.Copy(s, s) //nolint:errcheck // ends with the session
				return
			case 'h':
				s.Write([]byte("first ")) //nolint:errcheck // the test sees it
				time.Sleep(time.Second)
				s.Write([]byte("second")) //nolint:errcheck // likewise
				return
			case 'q':
				return
			case 'f':
				for b, left := make([]byte, 16<<10), vfile; left > 0 && err == nil; left -= len(b) {
					_, err = s.Write(b)
				}
				return
			case 'p':
				for b := make([]byte, 16<<10); err == nil; time.Sleep(32 * time.Millisecond) {
					_, err = s.Write(b)
				}
				return
			case 'r':
				time.Sleep(time.Second)
				m.agent.say(wire.PayloadFlag, wire.AppendFlag(nil, wire.ConnectToPortError)) //nolint:errcheck // likewise
				return
			}
			for b := make([]byte, 32<<10); err == nil; {
				_, err = s.Write(b)
			}
		})
	}
}

func (r *vrig) connect(ask byte) *vconn {
	r.t.Helper()
	conn, err := r.local.dial(r.t.Context(), "", "")
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := conn.Write([]byte{ask}); err != nil {
		r.t.Fatal(err)
	}
	return conn.(*vconn)
}
