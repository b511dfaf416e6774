package channel

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"ssmguard/proxy"
)

// Inlet hands the connections of one listener to any number of channels: to
// those that serve it at the moment, so that the local port outlives every
// session, and among them to the one with the fewest connections (lanes).
// Connections wait while nobody takes them.
type Inlet struct {
	listener net.Listener
	ready    chan struct{} // a taker is there
	done     chan struct{}

	mu     sync.Mutex
	takers []*taker
	kept   []net.Conn // taken back, and first in turn
	err    error
}

type taker struct {
	load func() int
	conn chan net.Conn
}

// NewInlet starts to accept on l, which belongs to the Inlet from then on.
func NewInlet(l net.Listener) *Inlet {
	in := &Inlet{listener: l, ready: make(chan struct{}, 1), done: make(chan struct{})}
	go in.run()
	return in
}

// Addr returns the listener's address.
func (in *Inlet) Addr() net.Addr { return in.listener.Addr() }

// Close stops listening and returns when nothing of the Inlet runs any more.
// Connections that were taken go on.
func (in *Inlet) Close() error {
	err := in.listener.Close()
	in.mu.Lock()
	if in.err == nil {
		in.err = net.ErrClosed
	}
	for _, conn := range in.kept {
		reset(conn)
	}
	in.kept = nil
	in.mu.Unlock()
	in.signal()
	<-in.done
	return err
}

func (in *Inlet) run() {
	defer close(in.done)
	for pause := time.Duration(0); ; {
		if in.failed() {
			return
		}
		conn, err := in.listener.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				in.fail(err)
				return
			}
			// Out of file descriptors, most likely: it passes.
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			time.Sleep(pause)
			continue
		}
		pause = 0
		if !in.hand(conn) {
			reset(conn)
			return
		}
	}
}

// hand gives conn to the least loaded taker, and waits until there is one.
func (in *Inlet) hand(conn net.Conn) bool {
	for {
		in.mu.Lock()
		if in.err != nil {
			in.mu.Unlock()
			return false
		}
		given := in.give(conn)
		in.mu.Unlock()
		if given {
			return true
		}
		<-in.ready
	}
}

// give hands conn to the least loaded taker, if there is one. The caller holds the lock.
func (in *Inlet) give(conn net.Conn) bool {
	if len(in.takers) == 0 {
		return false
	}
	best := 0
	for i, t := range in.takers {
		if t.load() < in.takers[best].load() {
			best = i
		}
	}
	t := in.takers[best]
	in.takers = append(in.takers[:best], in.takers[best+1:]...)
	t.conn <- conn // has room for one
	return true
}

// back takes back a connection that its taker can do nothing with: it is the next
// one's.
func (in *Inlet) back(conn net.Conn) {
	in.mu.Lock()
	defer in.mu.Unlock()
	switch {
	case in.err != nil:
		reset(conn)
	case !in.give(conn):
		in.kept = append(in.kept, conn)
	}
}

func (in *Inlet) failed() bool { return in.reason() != nil }

// reason is why the Inlet has ended, nil if it has not.
func (in *Inlet) reason() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.err
}

func (in *Inlet) fail(err error) {
	in.mu.Lock()
	if in.err == nil {
		in.err = err
	}
	in.mu.Unlock()
}

func (in *Inlet) signal() {
	proxy.Signal(in.ready)
}

// Accept returns the next connection for a taker that has load connections
// already. It fails when ctx ends or the Inlet is closed.
func (in *Inlet) Accept(ctx context.Context, load func() int) (net.Conn, error) {
	t := &taker{load, make(chan net.Conn, 1)}
	in.mu.Lock()
	if in.err != nil {
		in.mu.Unlock()
		return nil, in.err
	}
	in.takers = append(in.takers, t)
	if len(in.kept) > 0 {
		in.give(in.kept[0])
		in.kept = in.kept[1:]
	}
	in.mu.Unlock()
	in.signal()
	select {
	case conn := <-t.conn:
		return conn, nil
	case <-in.done:
	case <-ctx.Done():
	}
	in.mu.Lock()
	for i, x := range in.takers {
		if x == t {
			in.takers = append(in.takers[:i], in.takers[i+1:]...)
			break
		}
	}
	err := in.err
	in.mu.Unlock()
	select {
	case conn := <-t.conn: // it was handed over meanwhile: the caller must not lose it
		return conn, nil
	default:
	}
	if err == nil {
		err = context.Cause(ctx)
	}
	return nil, err
}
