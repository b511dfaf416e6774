package channel

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"ssmguard/proxy"
	"ssmguard/proxy/channel/wire"
)

// ports is what the engines of port sessions share: the local connections and
// the bytes that wait to be read by them.
//
// A connection's bytes are taken into memory as they come, so that one that
// does not read, or slowly, holds up no other. When Options.Buffer is used up the
// far side is made to wait: the multiplexer cannot hold up one connection alone.
// As soon as another connection waits, the one with most unread bytes is reset
// for the sake of the others: if it has read nothing for Options.Stall, or if it
// has kept the others waiting for so long. As long as nobody waits, none is.
type ports struct {
	c     *Channel
	ctx   context.Context // ends when the connections have to
	wg    sync.WaitGroup
	freed chan struct{} // room was made, or a stream was opened

	mu             sync.Mutex // guards what follows, and the streams
	streams        map[uint32]*stream
	buffered       int
	squeezed       time.Time // since when the reader waits for room again and again; zero: it does not
	halfClosed     int       // streams whose local end has sent EOF
	counts         Stats     // Up, Down, Opened, Dropped and Unreachable
	refusals       refusals
	saidUnanswered bool
	chunks         sync.Pool
}

func newPorts(ctx context.Context, c *Channel) *ports {
	return &ports{c: c, ctx: ctx, freed: make(chan struct{}, 1), streams: make(map[uint32]*stream)}
}

// chunk is a piece of what waits to be read, of a size that makes good writes.
type chunk struct {
	n    int
	data [16<<10 - 8]byte // with n, what the allocator gives without a rest
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
	if p.buffered < p.c.opt.Buffer/2 {
		p.squeezed = time.Time{}
	}
	return p.buffered >= p.c.opt.Buffer
}

func (p *ports) bulk() bool { return true }

func (p *ports) room(stop <-chan struct{}) {
	look := time.NewTicker(max(p.c.opt.Stall/8, time.Millisecond))
	defer look.Stop()
	for {
		now := time.Now()
		p.mu.Lock()
		if p.buffered < p.c.opt.Buffer {
			p.mu.Unlock()
			return
		}
		if p.squeezed.IsZero() {
			p.squeezed = now
			out := p.c.out
			out.change(func() { out.live.pings.next = now })
		}
		victim := p.victim(now)
		p.mu.Unlock()
		if victim != nil {
			p.drop(victim)
			continue
		}
		select {
		case <-p.freed:
		case <-look.C:
		case <-stop:
			return
		case <-p.ctx.Done():
			return
		}
	}
}

// lately is how long ago a connection may have got something and still count as
// one that waits for more.
const lately = 10 * time.Second

// victim returns the stream to reset, nil if there is none to spare. The answers
// to our pings tell how late everything is. The caller holds the lock.
func (p *ports) victim(now time.Time) *stream {
	var most *stream
	waits := false
	for _, s := range p.streams {
		if most == nil || s.size > most.size {
			most = s
		}
		waits = waits || s.waits(now)
	}
	if waits && (now.Sub(most.progress) >= p.c.opt.Stall || p.c.out.heldUp(p.squeezed, now) >= p.c.opt.Stall) {
		return most
	}
	return nil
}

// drop resets a connection that does not read fast enough, and says which.
func (p *ports) drop(s *stream) {
	p.mu.Lock()
	p.counts.Dropped++
	unread := s.size
	s.abandon()
	p.mu.Unlock()
	from := "a local connection"
	if c, ok := s.conn.(net.Conn); ok && c.RemoteAddr().Network() == "tcp" {
		from = "the connection from " + c.RemoteAddr().String()
	}
	reset(s.conn)
	p.c.event(Event{Kind: Dropped, Text: fmt.Sprintf("%s left %d KiB unread", from, unread>>10)})
}

// unanswered says, once, that a connection is reset for errUnanswered, unless nothing
// was asked on it, or the session ends with it anyway.
func (p *ports) unanswered(s *stream) {
	p.mu.Lock()
	say := !p.saidUnanswered && s.lastUp != s.opened && !s.endIsClose
	p.saidUnanswered = p.saidUnanswered || say
	p.mu.Unlock()
	if say {
		p.c.event(Event{Kind: Unanswered, Err: errUnanswered, Text: p.c.opt.Unanswered.String()})
	}
}

// add registers a stream.
func (p *ports) add(s *stream) {
	p.mu.Lock()
	p.streams[s.id] = s
	p.counts.Opened++
	p.mu.Unlock()
	proxy.Signal(p.freed)
}

// remove forgets a stream and what was left for it.
func (p *ports) remove(s *stream) {
	p.mu.Lock()
	s.abandon()
	if !s.localEnd.IsZero() {
		p.halfClosed--
	}
	delete(p.streams, s.id)
	if s.lastDown.IsZero() && !s.remoteEnd {
		p.refusals.forgotten(s.id)
	}
	p.mu.Unlock()
	proxy.Signal(p.freed)
}

func (p *ports) load() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.streams)
}

func (p *ports) stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.counts
	s.Open, s.Buffered = len(p.streams), p.buffered
	return s
}

// flag handles a flag of the agent.
func (p *ports) flag(payload []byte) {
	if f, ok := wire.ParseFlag(payload); !ok || f != wire.ConnectToPortError {
		return
	}
	p.mu.Lock()
	p.counts.Unreachable++
	report := p.refusals.flag()
	p.mu.Unlock()
	p.c.event(Event{Kind: RefusedAgain, Err: ErrRemotePort})
	if report {
		p.c.event(Event{Kind: Refused, Err: ErrRemotePort, Text: p.c.opt.Session.Spec.RemoteEnd()})
	}
}
