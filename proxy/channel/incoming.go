package channel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"ssmguard/proxy/channel/reliable"
	"ssmguard/proxy/channel/wire"
)

// incoming is what the agent sends: the reader of the connection puts it into order
// and hands it to the handshake and to the engine. One connection after the other has
// a reader, so receiver and early need no lock. mu is held while payloads are handed
// over, and guards pending; an engine does not block.
type incoming struct {
	quit     context.Context // the channel's
	key      *sessionKey
	pace     *pace
	out      *outgoing
	receiver reliable.Receiver
	event    func(Event)

	handshake    chan handshakeStep
	firstPayload chan struct{} // closed at the first payload that is not of the handshake
	engine       atomic.Pointer[engine]
	attached     chan struct{} // closed when there is an engine

	mu      sync.Mutex
	pending []reliable.Arrival // payloads that came before the engine
	early   int                // their bytes, also after they were handed over
	shaken  handshakeSteps     // the reader's
	over    bool               // likewise: the engine ends and is full, so payloads are thrown away
}

// handshakeSteps are the messages of the handshake that have come. Agents send each once.
type handshakeSteps [wire.PayloadFlag]bool

// arrivalSize is what a payload costs that waits, beside its bytes.
const arrivalSize = 64

// engine is what runs in a session: a multiplexer, one connection, a terminal.
type engine interface {
	// output takes one payload, in order. It keeps nothing of it and does not block.
	output(kind wire.PayloadType, payload []byte) error
	// full reports whether the reader should wait before it takes more.
	full() bool
	// room waits until full is false, stop is closed, or the engine ends.
	room(stop <-chan struct{})
	// bulk reports whether what comes may come in bursts, see pace: nobody watches it.
	bulk() bool
	// stats are the engine's part of Stats.
	stats() Stats
}

// preAttach is how many bytes may wait for an engine.
const preAttach = 4 << 20

func newIncoming(quit context.Context, key *sessionKey, pace *pace, out *outgoing, event func(Event)) *incoming {
	return &incoming{quit: quit, key: key, pace: pace, out: out, event: event,
		handshake: make(chan handshakeStep, 3), firstPayload: make(chan struct{}), attached: make(chan struct{})}
}

// readAll handles what comes on l until it fails or halt is closed.
func (in *incoming) readAll(l *link, halt <-chan struct{}) error {
	l.ws.SetPingHandler(func(data string) error { l.renew(); in.answerPing(data); return nil })
	l.ws.SetPongHandler(func(data string) error { l.renew(); l.ponged = true; in.out.ponged(data); return nil })
	l.ws.SetCloseHandler(func(int, string) error { return nil })
	var t trickle
	for {
		bulk := in.waitForRoom(halt)
		b, err := l.read()
		if err != nil {
			return err
		}
		l.heard = true
		now := time.Now()
		in.out.live.hear(now)
		pause := t.came(len(b), in.pace.sends.Load(), now)
		in.pace.steady.Store(t.on && bulk)
		if err := in.handle(b); err != nil {
			return err
		}
		if pause > 0 && bulk && len(in.receiver.Early) == 0 {
			setLowWater(l.nc, trickleWater)
			t.rest(pause, halt, in.pace.sent)
			setLowWater(l.nc, 1)
		}
	}
}

func (in *incoming) answerPing(data string) {
	in.out.live.hear(time.Now())
	in.out.change(func() {
		if len(in.out.pongs) < mostPongs {
			in.out.pongs = append(in.out.pongs, reliable.AppendWebsocket(nil, websocket.PongMessage, []byte(data)))
		}
	})
}

// waitForRoom holds the reader while local readers have too much to catch up
// with. The far side feels it as a slow connection. bulk is the engine's.
func (in *incoming) waitForRoom(halt <-chan struct{}) (bulk bool) {
	in.out.awaitAcks(halt)
	p := in.engine.Load()
	bulk = p != nil && (*p).bulk()
	if p == nil && in.early < preAttach || p != nil && !(*p).full() {
		return bulk
	}
	defer in.out.blockReader()()
	if p != nil {
		(*p).room(halt)
		select {
		case <-halt:
		default:
			in.over = in.over || (*p).full() // for good: an engine that misses a payload cannot read the next one
		}
		return bulk
	}
	select {
	case <-in.attached:
	case <-in.quit.Done():
	case <-halt:
	}
	return bulk
}

// handle takes one message of the gateway. What is malformed is dropped: if it
// was a stream message, it is not acknowledged and so comes again.
func (in *incoming) handle(b []byte) error {
	var f wire.Frame
	if f.Decode(b) != nil || f.Verify() != nil {
		return nil
	}
	switch f.Type {
	case wire.OutputStreamData:
		if f.Seq > in.receiver.Expected {
			in.receiver.Limit = in.out.opt.Early - in.waiting()
		}
		repeated := in.receiver.Has(f.Seq)
		ack, err := in.receiver.Accept(&f, in.deliver)
		if ack {
			in.out.acknowledge(&f, repeated, len(in.receiver.Early) > 0)
		}
		return err
	case wire.Acknowledge:
		if a, err := wire.ParseAck(f.Payload); err == nil && a.MessageType == wire.InputStreamData {
			in.out.acknowledged(a.Seq)
		}
	case wire.ChannelClosed:
		var closed wire.Closed
		if json.Unmarshal(f.Payload, &closed) != nil {
			closed.Output = ""
		}
		return &ClosedError{Output: closed.Output}
	case wire.PausePublication:
		in.out.change(func() { in.out.sender.Pause(time.Now()) })
	case wire.StartPublication:
		again := false
		in.out.change(func() { again = in.out.sender.Unpause() })
		if again {
			in.event(Event{Kind: AgentBack})
		}
	}
	return nil
}

// waiting returns the bytes that came in order and wait: for an engine, or there for
// local readers.
func (in *incoming) waiting() int {
	if p := in.engine.Load(); p != nil {
		return (*p).stats().Buffered
	}
	return in.early
}

// deliver takes one payload in order.
func (in *incoming) deliver(kind wire.PayloadType, payload []byte) error {
	if e := in.key.Load(); e != nil && encrypted(kind) {
		var err error
		if payload, err = e.open(payload); err != nil {
			return fmt.Errorf("%w: cannot decrypt what the agent sent: %w", errProtocol, err)
		}
	}
	switch kind {
	case wire.PayloadHandshakeRequest, wire.PayloadEncChallengeRequest, wire.PayloadHandshakeComplete:
		if in.shaken[kind] {
			return fmt.Errorf("%w: the agent has begun another handshake", errProtocol)
		}
		in.shaken[kind] = true
		in.handshake <- handshakeStep{kind, append([]byte(nil), payload...)} // has room for each
		return nil
	}
	if in.over {
		return nil
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if e := in.engine.Load(); e != nil {
		return (*e).output(kind, payload)
	}
	if len(in.pending) == 0 {
		close(in.firstPayload)
	}
	in.pending = append(in.pending, reliable.Arrival{Kind: kind, Payload: append([]byte(nil), payload...)})
	in.early += len(payload) + arrivalSize
	return nil
}

// attach starts to hand payloads to e, first those that have come already.
func (in *incoming) attach(e engine) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.engine.Load() != nil {
		return errors.New("channel is in use already")
	}
	for _, a := range in.pending {
		if err := e.output(a.Kind, a.Payload); err != nil {
			return err
		}
	}
	in.pending = nil
	in.engine.Store(&e)
	close(in.attached)
	return nil
}
