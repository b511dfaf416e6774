package channel

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"time"

	"ssmguard/proxy"
	"ssmguard/proxy/channel/localend"
	"ssmguard/proxy/channel/reliable"
	"ssmguard/proxy/channel/wire"
)

// stream is one local connection and its far end. The lock of ports guards what
// stands below stop.
type stream struct {
	framing
	id    uint32
	conn  io.ReadWriteCloser
	ports *ports
	wake  chan struct{}
	stop  chan struct{} // closed when the sending half must not wait any longer

	unread
	times
	remoteEnd  bool // the far side has closed
	refused    bool // because the port could not be reached
	endIsClose bool // the far side closes the connection by ending the session
}

// framing is how a stream's bytes become messages.
type framing struct {
	head int                                  // bytes in front of the data in each message
	pack func(m *reliable.Message, n int) int // finishes a message of n bytes behind head; returns the payload's size
	end  func()                               // tells the far side that the connection is over
}

// unread is what a local connection has not read yet.
type unread struct {
	queue    []*chunk
	size     int       // bytes in queue, and in the write under way
	progress time.Time // when the local reader last took something, or had nothing to take
	gone     bool      // what comes is thrown away
}

// times are when something last happened to a stream; zero: never.
type times struct {
	opened           time.Time
	lastUp, lastDown time.Time
	localEnd         time.Time // when the local side sent EOF
	asked            time.Time // when the local end was last examined for a program, since then
}

// lingering bounds how long a connection whose far side has closed may go on
// sending: closing it earlier would make the kernel reset it, and the last
// bytes for its reader could be lost.
const lingering = 5 * time.Second

// lastWrite is how long a connection may take to read once the session is over.
const lastWrite = time.Second

// fewHalfClosed is how many half-closed connections get all of Options.Answered.
const fewHalfClosed = 32

// programGoes is when, after its EOF, a program that has closed its end is surely gone.
const programGoes = 20 * time.Millisecond

// heldFor is how many times Options.Answered a program that is known to wait gets.
const heldFor = 15

func newStream(p *ports, id uint32, conn io.ReadWriteCloser, f framing) *stream {
	now := time.Now()
	return &stream{framing: f, id: id, conn: conn, ports: p, wake: make(chan struct{}, 1), stop: make(chan struct{}),
		unread: unread{progress: now}, times: times{opened: now, lastUp: now}}
}

// carry moves bytes both ways until the connection is over.
func (s *stream) carry() {
	defer context.AfterFunc(s.ports.ctx, func() { setWriteDeadline(s.conn, time.Now().Add(lastWrite)) })()
	up := make(chan error, 1)
	go func() { up <- s.sendAll() }()
	downEnded := make(chan error, 1)
	go func() { downEnded <- s.receiveAll() }()
	var err error
	select {
	case err = <-downEnded:
		downEnded <- nil
	case err = <-up:
		up <- nil
		if err == nil { // EOF: the far side may still answer
			s.ports.mu.Lock()
			s.localEnd = time.Now()
			s.ports.halfClosed++
			s.ports.mu.Unlock()
			proxy.Signal(s.wake)
			err = <-downEnded
			downEnded <- nil
		}
	}
	if err == nil && halfClose(s.conn) == nil {
		setReadDeadline(s.conn, time.Now().Add(lingering))
		s.awaitEnd(up)
	}
	close(s.stop)
	if err != nil {
		reset(s.conn)
	} else {
		s.conn.Close()
	}
	<-up
	<-downEnded
	s.end()
	s.ports.remove(s)
}

// awaitEnd waits for a goroutine's result and leaves it in place.
func (s *stream) awaitEnd(result chan error) {
	select {
	case err := <-result:
		result <- err
	case <-s.ports.ctx.Done():
	}
}

// sendAll sends what the local side writes. It returns nil at its EOF, and when
// the far side has closed and only throws away what comes.
func (s *stream) sendAll() error {
	out := s.ports.c.out
	for {
		m := out.newMessage()
		n, err := s.conn.Read(m.Payload(out.opt.MessageSize - overhead)[s.head:])
		if n > 0 {
			s.ports.mu.Lock()
			s.lastUp = time.Now()
			dead := s.remoteEnd || s.gone
			if !dead {
				s.ports.counts.Up += int64(n)
			}
			s.ports.mu.Unlock()
			if dead {
				out.recycle(m)
			} else if e := out.send(s.stop, m, s.pack(m, n), wire.PayloadOutput); e != nil {
				return e
			}
		} else {
			out.recycle(m)
		}
		if err == io.EOF || errors.Is(err, os.ErrDeadlineExceeded) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// overhead is what encryption adds to a payload.
const overhead = 12 + 16

// errSilent ends the wait for a far side that has nothing more to say.
var errSilent = errors.New("the far side is silent")

// errUnanswered ends the wait for a far side that has said nothing since the local side
// spoke last and sent EOF.
var errUnanswered = errors.New("no answer came after the end of the input")

// receiveAll writes to the local side what has come. It returns nil when the
// far side has closed and everything is written, or when it has stayed silent
// long enough after the local EOF.
func (s *stream) receiveAll() error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		k, wait, err := s.take(time.Now())
		if errors.Is(err, errSilent) {
			wait, err := s.awaited(time.Now())
			if wait {
				continue
			}
			if errors.Is(err, errUnanswered) {
				s.ports.unanswered(s)
			}
			return err
		}
		if err != nil || k == nil && wait == 0 {
			return err
		}
		if k != nil {
			if err := s.deliver(k); err != nil {
				return err
			}
			continue
		}
		timer.Reset(wait)
		select {
		case <-s.wake:
			if s.ports.c.out.pace.steady.Load() {
				s.gather(timer)
			}
		case <-timer.C:
		case <-s.stop:
			return ErrClosed
		case <-s.ports.ctx.Done():
			return s.cutOff()
		}
	}
}

// awaited reports whether to wait for longer than take says: at first, unless the
// program is gone; later if it waits for more of an answer. Not for ever: the far
// side may be waiting for the EOF itself, which the multiplexer cannot tell it. Without
// any answer err is errUnanswered: to the program, a mere end would be an empty one.
func (s *stream) awaited(now time.Time) (wait bool, err error) {
	who := localend.ProgramAt(s.conn)
	s.ports.mu.Lock()
	defer s.ports.mu.Unlock()
	first, answered := s.asked.IsZero(), s.lastDown.After(s.lastUp)
	s.asked = now
	switch {
	case who == localend.Gone:
		return false, nil
	case first:
		return true, nil
	case !answered:
		return false, errUnanswered
	}
	return who == localend.Waits && now.Sub(reliable.Latest(s.localEnd, s.lastDown)) < heldFor*s.ports.c.opt.Answered, nil
}

// gather waits for the rest of a burst before it is written.
func (s *stream) gather(timer *time.Timer) {
	timer.Reset(trickleBurst)
	select {
	case <-timer.C:
	case <-s.stop:
	case <-s.ports.ctx.Done():
	}
}

// take returns the next chunk to write, or how long to wait for one; neither
// when the far side is done.
func (s *stream) take(now time.Time) (*chunk, time.Duration, error) {
	s.ports.mu.Lock()
	defer s.ports.mu.Unlock()
	switch {
	case s.gone:
		return nil, 0, ErrClosed
	case len(s.queue) > 0:
		k := s.queue[0]
		s.queue = s.queue[1:]
		return k, 0, nil
	case s.refused:
		return nil, 0, ErrRemotePort
	case s.remoteEnd:
		return nil, 0, nil
	case s.localEnd.IsZero():
		return nil, time.Hour, nil
	case s.asked.IsZero(): // a program that goes has the EOF sent a moment before it is gone
		if left := programGoes - now.Sub(s.localEnd); left > 0 {
			return nil, left, nil
		}
		return nil, 0, errSilent
	}
	patience := s.ports.c.opt.Unanswered
	if s.lastDown.After(s.lastUp) {
		patience = s.ports.c.opt.Answered * fewHalfClosed / time.Duration(max(s.ports.halfClosed, fewHalfClosed))
	}
	if left := s.ports.c.out.silentFor(reliable.Latest(s.localEnd, s.lastDown, s.asked), patience, now); left > 0 {
		return nil, left, nil
	}
	return nil, 0, errSilent
}

// deliver writes one chunk to the local side.
func (s *stream) deliver(k *chunk) error {
	p := s.ports
	_, err := s.conn.Write(k.data[:k.n])
	p.mu.Lock()
	if !s.gone {
		s.size -= k.n
		p.buffered -= k.n
		s.progress = time.Now()
	}
	p.mu.Unlock()
	if err == nil { // else the write may have been given up and still hold it
		p.chunks.Put(k)
	}
	proxy.Signal(p.freed)
	return err
}

// cutOff is for the end of the session: a connection whose far side has closed
// still gets the rest, any other is incomplete.
func (s *stream) cutOff() error {
	for {
		s.ports.mu.Lock()
		complete := !s.gone && (s.remoteEnd || s.endIsClose && s.ports.c.endedByGateway())
		s.ports.mu.Unlock()
		if !complete {
			return ErrClosed
		}
		k, _, err := s.take(time.Now())
		if k == nil {
			return err
		}
		setWriteDeadline(s.conn, time.Now().Add(lastWrite))
		if err := s.deliver(k); err != nil {
			return err
		}
	}
}

// put appends bytes of the far side. The caller holds the lock.
func (s *stream) put(b []byte) {
	p := s.ports
	p.counts.Down += int64(len(b))
	if s.gone {
		return
	}
	now := time.Now()
	s.lastDown = now
	if s.size == 0 {
		s.progress = now
	}
	s.size += len(b)
	p.buffered += len(b)
	p.refusals.reported = false
	for len(b) > 0 {
		if len(s.queue) == 0 || s.queue[len(s.queue)-1].n == len(chunk{}.data) {
			s.queue = append(s.queue, p.newChunk())
		}
		k := s.queue[len(s.queue)-1]
		n := copy(k.data[k.n:], b)
		k.n += n
		b = b[n:]
	}
	proxy.Signal(s.wake)
}

// waits reports whether the connection has taken everything and is likely to want
// more. The caller holds the lock.
func (s *stream) waits(now time.Time) bool {
	if s.size > 0 || s.remoteEnd {
		return false
	}
	asked := s.lastUp.After(s.lastDown) && s.lastUp != s.opened
	return asked || now.Sub(s.opened) < lately || now.Sub(s.lastDown) < lately
}

// closeRemote notes that the far side has closed. The caller holds the lock.
func (s *stream) closeRemote() {
	s.remoteEnd = true
	if s.lastDown.IsZero() && s.ports.refusals.explain() {
		s.refused = true
	}
	proxy.Signal(s.wake)
}

// abandon throws away what waits and what will come. The caller holds the lock.
func (s *stream) abandon() {
	if s.gone {
		return
	}
	s.gone = true
	s.ports.buffered -= s.size
	s.size, s.queue = 0, nil
	proxy.Signal(s.wake)
}

// reset closes a local connection so that its owner notices that it is
// incomplete, where the transport can say so.
func reset(conn io.Closer) {
	if l, ok := conn.(interface{ SetLinger(int) error }); ok {
		l.SetLinger(0) //nolint:errcheck // closing anyway
	}
	conn.Close()
}

func halfClose(conn io.Writer) error {
	if c, ok := conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return net.ErrClosed
}

func setReadDeadline(conn io.Reader, t time.Time) {
	if d, ok := conn.(interface{ SetReadDeadline(time.Time) error }); ok {
		d.SetReadDeadline(t) //nolint:errcheck // a closed connection says so on the next read
	}
}

func setWriteDeadline(conn io.Writer, t time.Time) {
	if d, ok := conn.(interface{ SetWriteDeadline(time.Time) error }); ok {
		d.SetWriteDeadline(t) //nolint:errcheck // a closed connection says so on the next write
	}
}
