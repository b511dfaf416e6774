package channel

import (
	"io"
	"sync"
	"testing"
	"time"

	"ssmguard/proxy/channel/wire"
)

// reliable plays the agent's side of the stream for as long as the session
// lives: it acknowledges, orders, resends its oldest message, and gives the
// test the bytes of the session as a connection.
type steadyAgent struct {
	r   *io.PipeReader // what the client sent
	w   *io.PipeWriter
	mu  sync.Mutex
	p   *peer
	exp int64
	ooo map[int64]wire.Frame
	seq int64
	out []wire.Frame // unacknowledged
	end chan struct{}
	wg  sync.WaitGroup
	// flags are the client's flags, in order.
	flags []wire.Flag
}

// play starts the agent after a handshake: messages 0 and 1 are used both ways.
func play(t *testing.T, s *scripted, p *peer) *steadyAgent {
	a := &steadyAgent{p: p, exp: 1, seq: 2, ooo: map[int64]wire.Frame{}, end: make(chan struct{})}
	a.r, a.w = io.Pipe()
	a.wg.Go(func() {
		for {
			a.serve(p)
			select {
			case p = <-s.peers:
				a.mu.Lock()
				a.p = p
				a.mu.Unlock()
			case <-a.end:
				return
			}
		}
	})
	a.wg.Go(a.resend)
	t.Cleanup(a.stop)
	return a
}

func (a *steadyAgent) stop() {
	select {
	case <-a.end:
	default:
		close(a.end)
	}
	a.r.Close()
	a.w.Close()
	a.wg.Wait()
}

func (a *steadyAgent) resend() {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			a.mu.Lock()
			if len(a.out) > 0 {
				a.p.send(a.out[0])
			}
			a.mu.Unlock()
		case <-a.end:
			return
		}
	}
}

func (a *steadyAgent) serve(p *peer) {
	for {
		select {
		case f := <-p.in:
			a.handle(p, f)
		case <-p.gone:
			return
		case <-a.end:
			return
		}
	}
}

func (a *steadyAgent) handle(p *peer, f wire.Frame) {
	if f.Type == wire.Acknowledge {
		k, _ := wire.ParseAck(f.Payload)
		a.mu.Lock()
		for i, o := range a.out {
			if o.Seq == k.Seq {
				a.out = append(a.out[:i], a.out[i+1:]...)
				break
			}
		}
		a.mu.Unlock()
		return
	}
	if f.Seq >= a.exp {
		a.ooo[f.Seq] = f
	}
	for {
		g, ok := a.ooo[a.exp]
		if !ok {
			break
		}
		delete(a.ooo, a.exp)
		a.exp++
		switch g.PayloadType {
		case wire.PayloadOutput:
			a.w.Write(g.Payload) //nolint:errcheck // the test may have stopped reading
		case wire.PayloadFlag:
			flag, _ := wire.ParseFlag(g.Payload)
			a.mu.Lock()
			a.flags = append(a.flags, flag)
			a.mu.Unlock()
		}
	}
	a.mu.Lock()
	p.ack(f)
	a.mu.Unlock()
}

// say sends one payload.
func (a *steadyAgent) say(kind wire.PayloadType, payload []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f := wire.Frame{Type: wire.OutputStreamData, Seq: a.seq, PayloadType: kind, Payload: append([]byte(nil), payload...)}
	a.seq++
	a.out = append(a.out, f)
	a.p.send(f)
}

// Read, Write and Close make a connection of the session's bytes.
func (a *steadyAgent) Read(b []byte) (int, error) { return a.r.Read(b) }

func (a *steadyAgent) Write(b []byte) (int, error) {
	for rest := b; len(rest) > 0; {
		n := min(1024, len(rest))
		a.say(wire.PayloadOutput, rest[:n])
		rest = rest[n:]
	}
	return len(b), nil
}

func (a *steadyAgent) Close() error { return a.r.Close() }
