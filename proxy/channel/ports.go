package channel

import (
	"context"
	"sync"
	"time"
)

// ports is what the engines of port sessions share: the local connections and
// the bytes that wait to be read by them.
//
// A connection's bytes are taken into memory as they come, so that one that
// does not read holds up no other. When Options.Buffer is used up, a connection
// that has read nothing for Options.Stall is reset, the one with most bytes
// first; as long as all read, or there is only one, the far side is made to
// wait instead.
type ports struct {
	c     *Channel
	ctx   context.Context // ends when the connections have to
	wg    sync.WaitGroup
	freed chan struct{} // room was made, or a stream was opened

	mu          sync.Mutex
	streams     map[uint32]*stream
	buffered    int
	halfClosed  int // streams whose local end has sent EOF
	opened      int
	down        int64
	resets      int
	refusals    int // of the remote port, ever
	unexplained int // refusals whose stream has not ended yet
	told        bool
	chunks      sync.Pool
}

func newPorts(ctx context.Context, c *Channel) *ports {
	return &ports{c: c, ctx: ctx, freed: make(chan struct{}, 1), streams: make(map[uint32]*stream)}
}

// chunk is a piece of what waits to be read, of a size that makes good writes.
type chunk struct {
	n    int
	data [16 << 10]byte
}

func (p *ports) newChunk() *chunk {
	if k, ok := p.chunks.Get().(*chunk); ok {
		k.n = 0
		return k
	}
	return new(chunk)
}

func (p *ports) full() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.buffered >= p.c.opt.Buffer
}

func (p *ports) bulk() bool { return true }

func (p *ports) room(stop <-chan struct{}) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		p.mu.Lock()
		if p.buffered < p.c.opt.Buffer {
			p.mu.Unlock()
			return
		}
		victim, wait := p.slowest(time.Now())
		p.mu.Unlock()
		if victim != nil && wait <= 0 {
			p.drop(victim)
			continue
		}
		timer.Reset(wait)
		select {
		case <-p.freed:
		case <-timer.C:
		case <-stop:
			return
		case <-p.ctx.Done():
			return
		}
	}
}

// slowest returns the stream to reset next, nil if there is none to spare, and
// how long it may still take to read something.
func (p *ports) slowest(now time.Time) (*stream, time.Duration) {
	var s *stream
	for _, x := range p.streams {
		if s == nil || x.size > s.size {
			s = x
		}
	}
	if s == nil || len(p.streams) < 2 {
		return nil, time.Hour
	}
	return s, p.c.opt.Stall - now.Sub(s.progress)
}

// drop resets a connection that does not read.
func (p *ports) drop(s *stream) {
	p.mu.Lock()
	p.resets++
	s.abandon()
	p.mu.Unlock()
	s.reset()
	p.c.event(Event{Kind: Dropped})
}

func (p *ports) signalFreed() {
	signal(p.freed)
}

// add registers a stream.
func (p *ports) add(s *stream) {
	p.mu.Lock()
	p.streams[s.id] = s
	p.opened++
	p.mu.Unlock()
	p.signalFreed()
}

// remove forgets a stream and what was left for it.
func (p *ports) remove(s *stream) {
	p.mu.Lock()
	s.abandon()
	if !s.localEnd.IsZero() {
		p.halfClosed--
	}
	delete(p.streams, s.id)
	p.mu.Unlock()
	p.signalFreed()
}

func (p *ports) load() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.streams)
}

func (p *ports) count(s *Stats) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.Down, s.Open, s.Opened, s.Buffered = p.down, len(p.streams), p.opened, p.buffered
	s.Dropped, s.Unreachable = p.resets, p.refusals
}

// flag handles a flag of the agent.
func (p *ports) flag(payload []byte) {
	if f, ok := ParseFlag(payload); !ok || f != ConnectToPortError {
		return
	}
	p.mu.Lock()
	p.refusals++
	p.unexplained++
	tell := !p.told
	p.told = true
	p.mu.Unlock()
	if tell {
		p.c.event(Event{Kind: Refused, Err: ErrRemotePort})
	}
}
