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
	*io.PipeReader // what in gave
	*outlet
	in io.Reader
}

func newStdio(in io.Reader, out io.Writer) *stdio {
	read, gave := io.Pipe()
	go func() {
		_, err := io.Copy(gave, in)
		gave.CloseWithError(err) //nolint:errcheck // never fails
	}()
	return &stdio{read, newOutlet(out), in}
}

// Close ends Read and Write, and the read of in where that can be done.
func (s *stdio) Close() error {
	if s.outlet.Close() != nil {
		return nil
	}
	s.PipeReader.Close() //nolint:errcheck // never fails
	if d, ok := s.in.(interface{ SetReadDeadline(time.Time) error }); ok && d.SetReadDeadline(time.Unix(1, 0)) == nil {
		return nil
	}
	if c, ok := s.in.(*io.PipeReader); ok {
		c.Close() //nolint:errcheck // never fails
	}
	return nil
}

// outlet is a writer whose Write can be given up: nobody may read the pipe or
// the terminal behind it any more.
type outlet struct {
	to     io.Writer
	closed chan struct{}
	once   sync.Once
}

func newOutlet(to io.Writer) *outlet { return &outlet{to: to, closed: make(chan struct{})} }

// Write writes b. It fails with io.ErrClosedPipe once the outlet is closed; b may
// still be read then.
func (o *outlet) Write(b []byte) (int, error) {
	select {
	case <-o.closed:
		return 0, io.ErrClosedPipe
	default:
	}
	written := make(chan error, 1)
	go func() {
		_, err := o.to.Write(b)
		written <- err
	}()
	select {
	case err := <-written:
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
	stopped, cancel := context.WithCancel(context.WithoutCancel(ctx))
	undo := context.AfterFunc(ctx, func() {
		if sleep(stopped, d) {
			leave()
		}
	})
	return func() { undo(); cancel() }
}
