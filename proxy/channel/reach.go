package channel

import (
	"context"
	"errors"
	"net"
)

// Reach has the agent make a connection of its own to the remote port, and
// returns nil when it has succeeded, an error that wraps ErrRemotePort when it
// was refused, and the cause of ctx when neither was known by then. It
// works while Forward runs and waits for that. The agent closes the connection
// at once, without a byte having been sent. Where the agent does not multiplex,
// nothing tells whether a connection was made: the error is errors.ErrUnsupported.
func (c *Channel) Reach(ctx context.Context) error {
	if !c.info.Multiplexed {
		return errors.ErrUnsupported
	}
	select {
	case <-c.in.attached:
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-c.ended:
		return c.cause()
	}
	m, forwards := (*c.in.engine.Load()).(*mux)
	if !forwards {
		return errors.ErrUnsupported
	}
	return m.reach(ctx)
}

// reach opens a stream and closes it. An agent looks at a stream's end only when
// it has connected, and then answers with its own end: that, or a first byte, is
// the evidence. If it could not connect, a flag says so before the end comes.
func (m *mux) reach(ctx context.Context) error {
	unused, _ := net.Pipe() // the local end of a stream that is not carried
	s := m.open(unused)
	defer m.remove(s)
	m.mu.Lock()
	m.counts.Opened-- // no local connection
	m.mu.Unlock()
	s.end()
	for {
		m.mu.Lock()
		refused, answered := s.refused, s.remoteEnd || !s.lastDown.IsZero()
		m.mu.Unlock()
		switch {
		case refused:
			return ErrRemotePort
		case answered:
			return nil
		}
		select {
		case <-s.wake:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-m.ctx.Done():
			return ErrClosed
		}
	}
}
