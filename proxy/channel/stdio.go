package channel

import (
	"io"
	"sync"
	"time"
)

// stdio makes a connection of two streams. A read that the operating system
// does not let us interrupt is left behind when the connection is closed; its
// goroutine ends with it.
type stdio struct {
	in     io.Reader
	out    io.Writer
	bytes  chan []byte // what in gave; closed at its end
	taken  chan struct{}
	left   []byte
	err    error
	closed chan struct{}
	once   sync.Once
}

func newStdio(in io.Reader, out io.Writer) *stdio {
	s := &stdio{in: in, out: out, bytes: make(chan []byte), taken: make(chan struct{}), closed: make(chan struct{})}
	go s.pump()
	return s
}

// pump reads in for as long as somebody wants it.
func (s *stdio) pump() {
	defer close(s.bytes)
	buf := make([]byte, 32<<10)
	for {
		n, err := s.in.Read(buf)
		if n > 0 {
			select {
			case s.bytes <- buf[:n]:
			case <-s.closed:
				return
			}
			select {
			case <-s.taken:
			case <-s.closed:
				return
			}
		}
		if err != nil {
			s.err = err
			return
		}
	}
}

// Read returns what in gave, until it ends or the connection is closed.
func (s *stdio) Read(b []byte) (int, error) {
	if len(s.left) == 0 {
		select {
		case p, ok := <-s.bytes:
			if !ok {
				return 0, s.err
			}
			s.left = p
		case <-s.closed:
			return 0, io.ErrClosedPipe
		}
	}
	n := copy(b, s.left)
	if s.left = s.left[n:]; len(s.left) == 0 {
		select {
		case s.taken <- struct{}{}:
		case <-s.closed:
		}
	}
	return n, nil
}

// Write writes to out.
func (s *stdio) Write(b []byte) (int, error) { return s.out.Write(b) }

// Close ends Read, and the read of in where that can be done.
func (s *stdio) Close() error {
	s.once.Do(func() {
		close(s.closed)
		if d, ok := s.in.(interface{ SetReadDeadline(time.Time) error }); ok && d.SetReadDeadline(time.Unix(1, 0)) == nil {
			return
		}
		if c, ok := s.in.(*io.PipeReader); ok {
			c.Close()
		}
	})
	return nil
}
