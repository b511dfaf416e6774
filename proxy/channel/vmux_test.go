package channel

import (
	"encoding/binary"
	"io"
	"os"
	"sync"
	"time"
)

// vmux is the server side of smux, version 1, over a vagent, which says why not the library.
type vmux struct {
	agent  *vagent
	accept chan *vstream
	frames chan vframe
	done   chan struct{}

	mu      sync.Mutex
	streams map[uint32]*vstream
}

type vframe struct {
	b       []byte
	written chan struct{}
}

// vstream is one stream of it.
type vstream struct {
	m  *vmux
	id uint32

	mu       sync.Mutex
	changed  chan struct{}
	in       []byte
	end      bool // the client has closed
	deadline time.Time
}

func newVmux(a *vagent) *vmux {
	m := &vmux{agent: a, accept: make(chan *vstream), frames: make(chan vframe), done: make(chan struct{}), streams: make(map[uint32]*vstream)}
	a.wg.Go(m.read)
	a.wg.Go(m.write)
	return m
}

// read takes the client's frames until the agent is stopped.
func (m *vmux) read() {
	defer close(m.done)
	var h [muxHeader]byte
	for {
		if _, err := io.ReadFull(m.agent, h[:]); err != nil {
			return
		}
		data := make([]byte, binary.LittleEndian.Uint16(h[2:]))
		if _, err := io.ReadFull(m.agent, data); err != nil {
			return
		}
		id := binary.LittleEndian.Uint32(h[4:])
		m.mu.Lock()
		s := m.streams[id]
		if h[1] == muxSyn && s == nil {
			s = &vstream{m: m, id: id, changed: make(chan struct{})}
			m.streams[id] = s
		} else if h[0] != muxVersion || h[1] == muxSyn || h[1] > muxNop {
			panic("the client's multiplexer is out of step")
		}
		m.mu.Unlock()
		switch {
		case h[1] == muxSyn:
			select {
			case m.accept <- s:
			case <-m.agent.end:
				return
			}
		case s == nil: // closed by us
		case h[1] == muxFin:
			s.change(func() { s.end = true })
		case h[1] == muxData:
			s.change(func() { s.in = append(s.in, data...) })
		}
	}
}

// write sends whole frames, one after the other.
func (m *vmux) write() {
	for {
		select {
		case f := <-m.frames:
			if _, err := m.agent.Write(f.b); err != nil {
				return
			}
			close(f.written)
		case <-m.agent.end:
			return
		}
	}
}

func (m *vmux) send(command byte, id uint32, data []byte) error {
	b := make([]byte, muxHeader, muxHeader+len(data))
	putMuxHeader(b, command, len(data), id)
	f := vframe{append(b, data...), make(chan struct{})}
	for _, step := range []func() bool{
		func() bool {
			select {
			case m.frames <- f:
				return true
			case <-m.agent.end:
				return false
			}
		},
		func() bool {
			select {
			case <-f.written:
				return true
			case <-m.agent.end:
				return false
			}
		},
	} {
		if !step() {
			return io.ErrClosedPipe
		}
	}
	return nil
}

// AcceptStream returns the next connection; it fails once the agent is stopped.
func (m *vmux) AcceptStream() (*vstream, error) {
	select {
	case s := <-m.accept:
		return s, nil
	case <-m.done:
		return nil, io.ErrClosedPipe
	}
}

func (s *vstream) change(f func()) {
	s.mu.Lock()
	f()
	close(s.changed)
	s.changed = make(chan struct{})
	s.mu.Unlock()
}

func (s *vstream) Read(b []byte) (int, error) {
	for {
		s.mu.Lock()
		n, changed, left := copy(b, s.in), s.changed, time.Until(s.deadline)
		s.in = s.in[n:]
		end := s.end
		s.mu.Unlock()
		switch {
		case n > 0:
			return n, nil
		case end:
			return 0, io.EOF
		case left <= 0:
			return 0, os.ErrDeadlineExceeded
		}
		t := time.NewTimer(left)
		select {
		case <-changed:
		case <-t.C:
		case <-s.m.agent.end:
			return 0, io.ErrClosedPipe
		}
		t.Stop()
	}
}

func (s *vstream) Write(b []byte) (int, error) {
	sent := 0
	for sent < len(b) {
		s.mu.Lock()
		over := s.end
		s.mu.Unlock()
		if over { // as the library has it
			return sent, io.ErrClosedPipe
		}
		n := min(len(b)-sent, 32<<10)
		if err := s.m.send(muxData, s.id, b[sent:sent+n]); err != nil {
			return sent, err
		}
		sent += n
	}
	return sent, nil
}

func (s *vstream) SetDeadline(t time.Time) { s.change(func() { s.deadline = t }) }

func (s *vstream) Close() error {
	s.m.mu.Lock()
	delete(s.m.streams, s.id)
	s.m.mu.Unlock()
	return s.m.send(muxFin, s.id, nil)
}
