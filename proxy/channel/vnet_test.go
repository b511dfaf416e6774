package channel

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"
)

// vnet is a network in memory with the manners of TCP, for tests in synctest
// bubbles: buffers, latency, FIN, RST, and lines that go dead. What a reset finds
// on the way is lost; what has arrived can still be read, as with Linux.
type vnet struct {
	conns chan *vconn
	done  chan struct{}
	once  sync.Once

	mu      sync.Mutex
	latency time.Duration
	rate    int // bytes per second from the dialing side; 0 is no limit
	buffer  int // bytes on the way at once; 0 is vbuffer
	down    bool
	live    []*vconn // dialing sides, closed ones too
}

func newVnet() *vnet { return &vnet{conns: make(chan *vconn), done: make(chan struct{})} }

var errUnreachable = &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ENETUNREACH}

// dial connects to whoever accepts.
func (n *vnet) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	n.mu.Lock()
	down, latency, rate, buffer := n.down, n.latency, n.rate, or(n.buffer, vbuffer)
	n.mu.Unlock()
	if down {
		return nil, errUnreachable
	}
	up, back := newVpipe(latency, rate, buffer), newVpipe(latency, 0, vbuffer)
	near, far := &vconn{r: back, w: up}, &vconn{r: up, w: back}
	select {
	case n.conns <- far:
	case <-n.done:
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	n.mu.Lock()
	n.live = append(n.live, near)
	n.mu.Unlock()
	return near, nil
}

func (n *vnet) Accept() (net.Conn, error) {
	select {
	case c := <-n.conns:
		return c, nil
	case <-n.done:
		return nil, net.ErrClosed
	}
}

func (n *vnet) Close() error { n.once.Do(func() { close(n.done) }); return nil }

func (n *vnet) Addr() net.Addr { return &net.UnixAddr{Name: "vnet", Net: "vnet"} }

// each does something to every connection.
func (n *vnet) each(do func(c *vconn)) {
	n.mu.Lock()
	live := slices.Clone(n.live)
	n.mu.Unlock()
	for _, c := range live {
		do(c)
	}
}

func (n *vnet) setDown(down bool) {
	n.mu.Lock()
	n.down = down
	n.mu.Unlock()
}

// vpipe is one direction of a connection.
type vpipe struct {
	latency time.Duration
	rate    int
	buffer  int

	mu      sync.Mutex
	changed chan struct{}
	segs    []segment
	size    int
	last    time.Time // when the last segment arrives
	eof     bool      // the writer has closed
	deaf    bool      // the reader has closed
	stalled bool
	err     error
	rd, wd  time.Time // deadlines
}

type segment struct {
	at time.Time
	b  []byte
}

const vbuffer = 256 << 10

func newVpipe(latency time.Duration, rate, buffer int) *vpipe {
	return &vpipe{latency: latency, rate: rate, buffer: buffer, changed: make(chan struct{})}
}

func (p *vpipe) change(f func()) {
	p.mu.Lock()
	f()
	close(p.changed)
	p.changed = make(chan struct{})
	p.mu.Unlock()
}

// sleep waits for a change, or for the earliest of some moments. The caller holds the lock.
func (p *vpipe) sleep(moments ...time.Time) {
	changed := p.changed
	var first time.Time
	for _, m := range moments {
		if !m.IsZero() && (first.IsZero() || m.Before(first)) {
			first = m
		}
	}
	p.mu.Unlock()
	defer p.mu.Lock()
	if first.IsZero() {
		<-changed
		return
	}
	t := time.NewTimer(time.Until(first))
	defer t.Stop()
	select {
	case <-changed:
	case <-t.C:
	}
}

func passed(deadline time.Time) bool { return !deadline.IsZero() && !time.Now().Before(deadline) }

// vconn is one end of a connection.
type vconn struct {
	r, w   *vpipe
	linger int // 1: close resets
}

func (c *vconn) Read(b []byte) (int, error) {
	p := c.r
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		var due time.Time
		if len(p.segs) > 0 && !p.stalled {
			due = p.segs[0].at
		}
		switch {
		case p.deaf:
			return 0, net.ErrClosed
		case p.err != nil && len(p.segs) == 0:
			return 0, p.err
		case passed(p.rd):
			return 0, os.ErrDeadlineExceeded
		case passed(due):
			n := copy(b, p.segs[0].b)
			if p.segs[0].b = p.segs[0].b[n:]; len(p.segs[0].b) == 0 {
				p.segs = p.segs[1:]
			}
			p.size -= n
			close(p.changed)
			p.changed = make(chan struct{})
			return n, nil
		case p.eof && len(p.segs) == 0 && !p.stalled:
			return 0, io.EOF
		}
		p.sleep(due, p.rd)
	}
}

func (c *vconn) Write(b []byte) (n int, err error) {
	p := c.w
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(b) > 0 {
		switch {
		case p.err != nil:
			return n, p.err
		case p.eof:
			return n, net.ErrClosed
		case p.deaf && !p.stalled: // the other end answers with a reset
			p.mu.Unlock()
			c.reset(syscall.ECONNRESET)
			p.mu.Lock()
			return n, syscall.EPIPE
		case passed(p.wd):
			return n, os.ErrDeadlineExceeded
		case p.size >= p.buffer:
			p.sleep(p.wd)
			continue
		}
		k := min(len(b), p.buffer-p.size)
		if p.rate > 0 {
			k = min(k, 1<<10)
		}
		p.take(b[:k])
		n += k
		b = b[k:]
	}
	return n, nil
}

// take puts bytes on the way. The caller holds the lock.
func (p *vpipe) take(b []byte) {
	at := time.Now()
	if p.rate > 0 {
		if p.last.After(at) {
			at = p.last
		}
		at = at.Add(time.Second * time.Duration(len(b)) / time.Duration(p.rate))
	}
	p.last = at
	p.segs = append(p.segs, segment{at.Add(p.latency), slices.Clone(b)})
	p.size += len(b)
	close(p.changed)
	p.changed = make(chan struct{})
}

// reset breaks both directions and loses what is on the way.
func (c *vconn) reset(err error) {
	for _, p := range []*vpipe{c.r, c.w} {
		p.change(func() {
			if p.err == nil {
				p.err = err
			}
			arrived := 0
			for arrived < len(p.segs) && !p.stalled && passed(p.segs[arrived].at) {
				arrived++
			}
			for _, s := range p.segs[arrived:] {
				p.size -= len(s.b)
			}
			p.segs = p.segs[:arrived]
		})
	}
}

// finish ends both directions, as something on the way would that closes them in order.
func (c *vconn) finish() {
	for _, p := range []*vpipe{c.r, c.w} {
		p.change(func() { p.eof = true })
	}
}

// stall lets nothing through any more, or again.
func (c *vconn) stall(on bool) {
	for _, p := range []*vpipe{c.r, c.w} {
		p.change(func() { p.stalled = on })
	}
}

func (c *vconn) Close() error {
	c.r.mu.Lock()
	unread := c.r.size > 0
	c.r.mu.Unlock()
	if c.linger != 0 || unread {
		c.reset(syscall.ECONNRESET)
	}
	c.r.change(func() { c.r.deaf = true })
	c.w.change(func() { c.w.eof = true })
	return nil
}

func (c *vconn) CloseWrite() error {
	c.w.change(func() { c.w.eof = true })
	return nil
}

func (c *vconn) SetLinger(sec int) error {
	if sec != 0 {
		return errors.ErrUnsupported
	}
	c.linger = 1
	return nil
}

func (c *vconn) SetReadDeadline(t time.Time) error { c.r.change(func() { c.r.rd = t }); return nil }

func (c *vconn) SetWriteDeadline(t time.Time) error { c.w.change(func() { c.w.wd = t }); return nil }

func (c *vconn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

func (c *vconn) LocalAddr() net.Addr { return &net.UnixAddr{Name: "vnet", Net: "vnet"} }

func (c *vconn) RemoteAddr() net.Addr { return &net.UnixAddr{Name: "vnet", Net: "vnet"} }
