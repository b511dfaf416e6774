package channel

import (
	"context"
	"errors"
	"fmt"
	"io"

	"ssmguard/proxy/channel/reliable"
	"ssmguard/proxy/channel/wire"
)

// single is the engine of a session with one connection.
type single struct {
	*ports
	s *stream
}

// output takes the next bytes for the connection.
func (e *single) output(kind wire.PayloadType, b []byte) error {
	switch kind {
	case wire.PayloadFlag:
		e.flag(b)
	case wire.PayloadOutput:
		e.mu.Lock()
		e.s.put(b)
		e.mu.Unlock()
	}
	return nil
}

// single carries one connection until it is over. endIsClose says that the far side
// closes the connection by ending the session.
func (c *Channel) single(ctx context.Context, conn io.ReadWriteCloser, endIsClose bool) error {
	ctx, cancel := c.within(ctx)
	defer cancel()
	p := newPorts(ctx, c)
	s := newStream(p, 0, conn, framing{
		pack: func(_ *reliable.Message, n int) int { return n },
		end:  func() { c.out.sendNow(wire.PayloadFlag, wire.AppendFlag(nil, wire.DisconnectToPort)) },
	})
	s.endIsClose = endIsClose
	p.add(s)
	if err := c.in.attach(&single{p, s}); err != nil {
		conn.Close()
		return err
	}
	s.carry()
	return nil
}

// Stdio joins a port session without a local port (ssh) to in and out, until
// the session ends or ctx does. The end of in ends the session once the far
// side has been silent for Options.Answered or Options.Unanswered.
//
// What the far side has sent is written before Stdio returns, however slowly out
// takes it; when ctx ends, a write that takes longer than a second is left
// behind. So is a read of in that is under way when the session ends, unless in
// has SetReadDeadline or is an io.PipeReader.
func (c *Channel) Stdio(ctx context.Context, in io.Reader, out io.Writer) error {
	if c.info.SessionType != Port || c.info.Properties.Type == localPortForwarding {
		return fmt.Errorf("a session of type %s, %s has no stream", c.info.SessionType, c.info.Properties.Type)
	}
	conn := newStdio(in, out)
	defer leaveAfter(ctx, farewell, func() { conn.Close() })()
	err := c.single(ctx, conn, true)
	if c.quit.Err() == nil {
		c.stop(ErrClosed)
		<-c.ended
		return err
	}
	var closed *ClosedError
	if err := c.result(ctx, err); !errors.As(err, &closed) || closed.Output != "" {
		return err
	}
	return nil // the far side ended the connection
}
