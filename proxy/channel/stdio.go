package channel

import (
	"context"
	"io"
	"sync"
	"time"
)

// stdio makes a connection of two streams. A read or a write that the operating
// system does not let us interrupt is left behind when the connection is closed;
// its goroutine ends with it.
type stdio struct {
	*outlet
	in    io.Reader
	bytes chan []byte // what in gave; closed at its end
	taken chan struct{}
	left  []byte
	err   error
}

func newStdio(in io.Reader, out io.Writer) *stdio {
	s := &stdio{outlet: newOutlet(out), in: in, bytes: make(chan []byte), taken: make(chan struct{})}
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

// Close ends Read and Write, and the read of in where that can be done.
func (s *stdio) Close() error {
	if s.outlet.Close() != nil {
		return nil
	}
	if d, ok := s.in.(interface{ SetReadDeadline(time.Time) error }); ok && d.SetReadDeadline(time.Unix(1, 0)) == nil {
		return nil
	}
	if c, ok := s.in.(*io.PipeReader); ok {
		c.Close()
	}
	return nil
}

// outlet is a writer whose Write can be given up: nobody may read the pipe or
// the terminal behind it any more.
type outlet struct {
	to      io.Writer
	jobs    chan []byte
	results chan error
	closed  chan struct{}
	once    sync.Once
}

func newOutlet(to io.Writer) *outlet {
	o := &outlet{to: to, jobs: make(chan []byte), results: make(chan error, 1), closed: make(chan struct{})}
	go o.run()
	return o
}

func (o *outlet) run() {
	for {
		select {
		case b := <-o.jobs:
			_, err := o.to.Write(b)
			o.results <- err
		case <-o.closed:
			return
		}
	}
}

// Write writes b. It fails with io.ErrClosedPipe once the outlet is closed; b may
// still be read then.
func (o *outlet) Write(b []byte) (int, error) {
	select {
	case o.jobs <- b:
	case <-o.closed:
		return 0, io.ErrClosedPipe
	}
	select {
	case err := <-o.results:
		if err != nil {
			return 0, err
		}
		return len(b), nil
	case <-o.closed:
		return 0, io.ErrClosedPipe
	}
}

// Close gives up a Write that is under way. It fails if the outlet is closed already.
func (o *outlet) Close() error {
	err := io.ErrClosedPipe
	o.once.Do(func() {
		close(o.closed)
		err = nil
	})
	return err
}

// leaveAfter calls leave when d has passed since ctx ended, unless stop is called before.
func leaveAfter(ctx context.Context, d time.Duration, leave func()) (stop func()) {
	var mu sync.Mutex
	var late *time.Timer
	stopped := false
	undo := context.AfterFunc(ctx, func() {
		mu.Lock()
		defer mu.Unlock()
		if !stopped {
			late = time.AfterFunc(d, leave)
		}
	})
	return func() {
		undo()
		mu.Lock()
		defer mu.Unlock()
		stopped = true
		if late != nil {
			late.Stop()
		}
	}
}
