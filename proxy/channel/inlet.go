package channel

import (
	"context"
	"errors"
	"net"
	"slices"
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
	once     sync.Once // closes done, without a listener

	mu      sync.Mutex
	takers  []*taker
	kept    []net.Conn // first in turn
	waiting bool       // run has a connection that no taker is there for
	wanted  chan struct{}
	err     error
}

type taker struct {
	load func() int
	conn chan net.Conn
}

// NewInlet starts to accept on l, which belongs to the Inlet from then on. An error
// of l is the Inlet's end: a listener that knows of passing ones, as a door.Door does,
// waits for their end itself. Without a listener, nil, every connection comes by Put.
func NewInlet(l net.Listener) *Inlet {
	in := &Inlet{listener: l, ready: make(chan struct{}, 1), done: make(chan struct{}), wanted: make(chan struct{})}
	if l == nil {
		in.listener = noListener{}
		return in
	}
	go in.run()
	return in
}

// Addr returns the listener's address, nil without a listener.
func (in *Inlet) Addr() net.Addr { return in.listener.Addr() }

// Put adds a connection, which a taker gets at once or, without one, later. A closed Inlet
// resets it.
func (in *Inlet) Put(conn net.Conn) { in.back(conn) }

// Wanted returns a channel that is closed as soon as a connection waits that no taker is there
// for.
func (in *Inlet) Wanted() <-chan struct{} {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.waiting || len(in.kept) > 0 {
		now := make(chan struct{})
		close(now)
		return now
	}
	return in.wanted
}

// want tells of a connection that waits. The caller holds the lock.
func (in *Inlet) want() {
	close(in.wanted)
	in.wanted = make(chan struct{})
}

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
	if in.listener == (noListener{}) {
		in.once.Do(func() { close(in.done) })
	}
	<-in.done
	return err
}

// noListener is the listener of an Inlet without one.
type noListener struct{}

func (noListener) Accept() (net.Conn, error) { return nil, net.ErrClosed }
func (noListener) Close() error              { return nil }
func (noListener) Addr() net.Addr            { return nil }

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
		in.waiting = err == nil && !given
		if in.waiting {
			in.want()
		}
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
		in.want()
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

// AcceptUntilIdle is Accept, and fails with proxy.ErrIdle when load has been 0 for idle; 0 is
// no limit.
func (in *Inlet) AcceptUntilIdle(ctx context.Context, load func() int, idle time.Duration) (net.Conn, error) {
	return untilIdle(ctx, idle, load, func(ctx context.Context) (net.Conn, error) { return in.Accept(ctx, load) })
}

// idleLooks is how many times in a row, within the time after which it is idle, a taker is
// seen without a connection.
const idleLooks = 8

// untilIdle calls accept until it has a connection. After idle without any, when load is 0, it
// returns proxy.ErrIdle; a connection that comes at that moment stays in the Inlet. accept has
// to return when its context ends, and must not lose a connection then.
func untilIdle(ctx context.Context, idle time.Duration, load func() int, accept func(context.Context) (net.Conn, error)) (net.Conn, error) {
	if idle <= 0 {
		return accept(ctx)
	}
	for quiet := 0; quiet < idleLooks; quiet++ {
		look, cancel := context.WithTimeout(ctx, idle/idleLooks)
		conn, err := accept(look)
		over := look.Err() != nil && ctx.Err() == nil && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled))
		cancel()
		if err == nil || !over {
			return conn, err
		}
		if load() > 0 {
			quiet = -2 // the next look may come soon after its end
		}
	}
	return nil, proxy.ErrIdle
}
