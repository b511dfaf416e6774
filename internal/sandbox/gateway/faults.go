package gateway

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"ssmguard/proxy/channel/wire"
)

// Faults are the faults of the network between client and gateway for the messages of
// one session. They continue across reconnections; counting starts with the session.
type Faults struct {
	Seed     uint64 // of the random faults; the same seed gives the same choices
	Up, Down Noise
	Rules    []Rule
}

// Noise are the random faults of one direction; the rates are between 0 and 1.
type Noise struct {
	Loss, Duplicate, Reorder, Corrupt float64
	Delay                             time.Duration // one way, keeps the order
}

// Way is a direction.
type Way int

// The directions.
const (
	Up   Way = iota // client to agent
	Down            // agent to client
)

// Action is one fault.
type Action int

// The faults. A cut loses the message that it happens at.
const (
	Drop      Action = iota + 1
	Duplicate        // delivered twice
	Hold             // delivered after the next message
	Corrupt          // one bit of the payload flipped
	Freeze           // this direction waits for Rule.For, then goes on
	CutRST           // connection reset
	CutFIN           // connection closed without a close frame
	CutFrame         // connection closed with a close frame
	CutBroken        // connection closed within a frame
	Stall            // the connection stays open and nothing passes any more, pongs included
	Close            // the service closes the session: channel_closed
)

// Rule is a fault at certain messages of one direction. Messages are counted when they
// match Message and Payload; resent ones count again.
type Rule struct {
	Way     Way
	Message wire.MessageType // any when empty
	Payload wire.PayloadType // any when 0
	At      int              // the first message to act on, from 1
	Every   int              // then each Every-th after it; 0: only once
	Times   int              // at most so many; 0: no limit
	Do      Action
	For     time.Duration // of Freeze
}

// line is one direction of a session's network.
type line struct {
	noise Noise
	rnd   *rand.Rand
	mu    sync.Mutex // held while a message passes: a direction keeps its order
	rules []ruleState
	held  []func()

	ctx     context.Context
	stop    context.CancelFunc
	delayed chan delayed
	wait    sync.WaitGroup
}

type ruleState struct {
	Rule
	seen, done int
}

type delayed struct {
	due     time.Time
	deliver func()
}

// maxDelayed bounds the messages that are under way on a slow line.
const maxDelayed = 1 << 14

func newLine(f Faults, way Way) *line {
	l := &line{noise: f.Up, rnd: rand.New(rand.NewPCG(f.Seed, uint64(way)))}
	if way == Down {
		l.noise = f.Down
	}
	for _, r := range f.Rules {
		if r.Way == way {
			l.rules = append(l.rules, ruleState{Rule: r})
		}
	}
	l.ctx, l.stop = context.WithCancel(context.Background())
	if l.noise.Delay > 0 {
		l.slow()
	}
	return l
}

// slow makes l a line on which messages are under way for a while.
func (l *line) slow() {
	l.delayed = make(chan delayed, maxDelayed)
	l.wait.Go(l.carry)
}

// pass sends one message through the line. deliver is called once, twice or not
// at all, now or later; act is called with a fault that concerns the connection.
func (l *line) pass(m *message, deliver func(*message), act func(Action)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	do, pause := l.choose(m)
	now := func() { l.send(func() { deliver(m) }) }
	switch do {
	case Drop:
		return
	case Hold:
		l.held = append(l.held, now)
		return
	case Duplicate:
		now()
	case Corrupt:
		m = m.corrupted(l.rnd)
	case Freeze:
		l.sleep(pause)
	case CutRST, CutFIN, CutFrame, CutBroken, Stall, Close:
		act(do)
		return
	}
	now()
	for _, h := range l.held {
		h()
	}
	l.held = nil
}

// choose returns the fault for a message: of the rules first, then a random one.
func (l *line) choose(m *message) (Action, time.Duration) {
	var fate *ruleState
	for i := range l.rules {
		r := &l.rules[i]
		if r.Message != "" && r.Message != m.Type || r.Payload != 0 && r.Payload != m.PayloadType {
			continue
		}
		r.seen++
		n := r.seen - r.At
		hit := n == 0 || n > 0 && r.Every > 0 && n%r.Every == 0
		if hit && fate == nil && (r.Times == 0 || r.done < r.Times) {
			r.done++
			fate = r
		}
	}
	if fate != nil {
		return fate.Do, fate.For
	}
	n := l.noise
	if n.Loss+n.Duplicate+n.Reorder+n.Corrupt == 0 {
		return 0, 0
	}
	x := l.rnd.Float64()
	for _, c := range []struct {
		rate float64
		do   Action
	}{{n.Loss, Drop}, {n.Duplicate, Duplicate}, {n.Reorder, Hold}, {n.Corrupt, Corrupt}} {
		if x < c.rate {
			return c.do, 0
		}
		x -= c.rate
	}
	return 0, 0
}

// send delivers now, or hands over to carry on a slow line.
func (l *line) send(deliver func()) {
	if l.delayed == nil {
		deliver()
		return
	}
	l.later(time.Now().Add(l.noise.Delay), deliver)
}

// later delivers on a slow line, when it is due and what was handed over before is delivered.
func (l *line) later(due time.Time, deliver func()) {
	select {
	case l.delayed <- delayed{due, deliver}:
	case <-l.ctx.Done():
	}
}

// carry delivers messages when they are due. After the line is closed it delivers the
// rest, because the last messages must arrive.
func (l *line) carry() {
	for {
		select {
		case d := <-l.delayed:
			l.sleep(time.Until(d.due))
			d.deliver()
		case <-l.ctx.Done():
			for {
				select {
				case d := <-l.delayed:
					d.deliver()
				default:
					return
				}
			}
		}
	}
}

func (l *line) sleep(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-l.ctx.Done():
	}
}

// close delivers the messages under way and returns when none is left.
func (l *line) close() {
	l.stop()
	l.wait.Wait()
}
