package channel

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"time"

	"ssmguard/proxy/channel/reliable"
	"ssmguard/proxy/channel/wire"
)

// mux is the client side of smux, version 1, which agents multiplex port
// sessions with: frames of {version, command, length u16, stream u32}, little
// endian. The library's session would read no further while one stream does
// not; this one takes every stream into memory. Each frame we send stands in a
// message of its own, so connections take turns message by message.
type mux struct {
	*ports
	next   uint32
	header [muxHeader]byte // of the frame that comes in
	have   int             // bytes of it
	left   int             // bytes of its data still to come
	into   *stream         // where they go; nil throws them away
}

const (
	muxHeader  = 8
	muxVersion = 1

	muxSyn, muxFin, muxData, muxNop = 0, 1, 2, 3

	muxKeepalive = 10 * time.Second // what agents that need it expect
)

func putMuxHeader(b []byte, command byte, length int, id uint32) {
	b[0], b[1] = muxVersion, command
	binary.LittleEndian.PutUint16(b[2:], uint16(length))
	binary.LittleEndian.PutUint32(b[4:], id)
}

func newMux(ctx context.Context, c *Channel) *mux {
	return &mux{ports: newPorts(ctx, c), next: 1}
}

// open starts a stream for a local connection.
func (m *mux) open(conn io.ReadWriteCloser) *stream {
	m.mu.Lock()
	m.next += 2 // the client's streams are odd
	id := m.next
	m.mu.Unlock()
	s := newStream(m.ports, id, conn, framing{
		head: muxHeader,
		pack: func(msg *reliable.Message, n int) int {
			putMuxHeader(msg.Payload(muxHeader), muxData, n, id)
			return muxHeader + n
		},
		end: func() { m.control(muxFin, id) },
	})
	m.add(s)
	m.c.out.pace.note() // in some protocols the far side has the first word
	m.control(muxSyn, id)
	return s
}

func (m *mux) control(command byte, id uint32) {
	var b [muxHeader]byte
	putMuxHeader(b[:], command, 0, id)
	m.c.out.sendNow(wire.PayloadOutput, b[:])
}

// start carries a connection until it is over, in a goroutine that wait waits for.
func (m *mux) start(conn net.Conn) {
	s := m.open(conn)
	m.wg.Go(s.carry)
}

// keepalive sends empty frames, which old agents need to see. It returns when ctx ends.
func (m *mux) keepalive() {
	t := time.NewTicker(muxKeepalive)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			m.control(muxNop, 0)
		case <-m.ctx.Done():
			return
		}
	}
}

// output takes the next bytes of the agent's smux session.
func (m *mux) output(kind wire.PayloadType, b []byte) error {
	if kind == wire.PayloadFlag {
		m.flag(b)
	}
	if kind != wire.PayloadOutput {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for len(b) > 0 {
		if m.left > 0 {
			n := min(m.left, len(b))
			if m.into != nil {
				m.into.put(b[:n])
			}
			m.left -= n
			b = b[n:]
			continue
		}
		n := copy(m.header[m.have:], b)
		m.have += n
		b = b[n:]
		if m.have == muxHeader {
			m.have = 0
			if err := m.command(); err != nil {
				return err
			}
		}
	}
	return nil
}

// command acts on a complete frame header. The caller holds the lock.
func (m *mux) command() error {
	length := int(binary.LittleEndian.Uint16(m.header[2:]))
	s := m.streams[binary.LittleEndian.Uint32(m.header[4:])]
	switch command := m.header[1]; {
	case m.header[0] != muxVersion:
		return fmt.Errorf("%w: multiplexer version %d", errProtocol, m.header[0])
	case command == muxData:
		m.left, m.into = length, s
	case command > muxNop || length != 0:
		return fmt.Errorf("%w: multiplexer command %d with %d bytes", errProtocol, command, length)
	case command == muxFin && s != nil:
		s.closeRemote()
	case command == muxFin:
		m.refusals.ended(binary.LittleEndian.Uint32(m.header[4:]))
	}
	return nil
}
