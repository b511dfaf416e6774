package channel

import (
	"context"
	"net"
	"slices"
	"sync"

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

// NewInlet starts to accept on l, which belongs to the Inlet from then on. An error
// of l is the Inlet's end: a listener that knows of passing ones, as a door.Door does,
// waits for their end itself.
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
	in.fail(net.ErrClosed)
	in.mu.Lock()
	for _, conn := range in.kept {
		reset(conn)
	}
	in.kept = nil
	in.mu.Unlock()
	proxy.Signal(in.ready)
	<-in.done
	return err
}

func (in *Inlet) run() {
	defer close(in.done)
	for in.reason() == nil {
		if conn, err := in.listener.Accept(); err != nil {
			in.fail(err)
		} else {
			in.hand(conn)
		}
	}
}

// hand gives conn to the least loaded taker, and waits until there is one.
func (in *Inlet) hand(conn net.Conn) {
	for {
		in.mu.Lock()
		err := in.err
		given := err == nil && in.give(conn)
		in.mu.Unlock()
		switch {
		case given:
			return
		case err != nil:
			reset(conn)
			return
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
	in.takers[best].conn <- conn // has room for one
	in.takers = slices.Delete(in.takers, best, best+1)
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
	proxy.Signal(in.ready)
	select {
	case conn := <-t.conn:
		return conn, nil
	case <-in.done:
	case <-ctx.Done():
	}
	in.mu.Lock()
	in.takers = slices.DeleteFunc(in.takers, func(other *taker) bool { return other == t })
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
