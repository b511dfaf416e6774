package channel

import (
	"context"
	"net"
	"strings"
	"testing"
	"testing/synctest"

	"ssmguard/proxy/channel/wire"
)

// TestReaderWaitsForAcknowledgements: while the far side does not take them, no more of what
// has to be acknowledged is read.
func TestReaderWaitsForAcknowledgements(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChannel(t.Context(), Options{})
		halt := make(chan struct{})
		message := (&wire.Frame{Type: wire.OutputStreamData, Seq: 0, PayloadType: wire.PayloadSize, Payload: []byte("{}")}).Append(nil)
		for i := range mostAcks {
			if c.out.acksWait.Load() {
				t.Fatalf("the reader waits after %d", i)
			}
			if err := c.in.handle(message); err != nil {
				t.Fatal(err)
			}
		}
		goes := make(chan struct{})
		go func() {
			defer close(goes)
			c.in.waitForRoom(halt)
		}()
		synctest.Wait()
		for taken := 0; taken < mostAcks/2; {
			select {
			case <-goes:
				t.Fatalf("the reader goes on after %d of %d", taken, mostAcks)
			default:
			}
			_, acks, _, err := c.out.collect(nil, nil)
			if err != nil || len(acks) == 0 || len(acks) > ackWrite {
				t.Fatalf("%d acknowledgements in one write, %v", len(acks), err)
			}
			taken += len(acks)
			synctest.Wait()
		}
		if _, acks, _, _ := c.out.collect(nil, nil); len(acks) == 0 {
			t.Error("nothing is left to write")
		}
		synctest.Wait()
		select {
		case <-goes:
		default:
			t.Error("the reader still waits")
			close(halt)
		}
	})
}

// TestEndIsBounded: while a channel ends, its reader waits neither for local readers nor for
// the far side to take acknowledgements, and what it keeps has bounds all the same.
func TestEndIsBounded(t *testing.T) {
	message := func(seq int64) []byte {
		return (&wire.Frame{Type: wire.OutputStreamData, Seq: seq, PayloadType: wire.PayloadOutput, Payload: make([]byte, 1<<10)}).Append(nil)
	}
	open := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	c := newChannel(t.Context(), Options{Limits: Limits{Buffer: 1 << 20}})
	p := newPorts(ctx, c)
	local, program := net.Pipe()
	defer program.Close() // it never reads
	s := newStream(p, 0, local, framing{})
	p.add(s)
	if err := c.in.attach(&single{p, s}); err != nil {
		t.Fatal(err)
	}
	cancel()
	for seq := range int64(3 * mostAcks) {
		c.in.waitForRoom(open)
		if err := c.in.handle(message(seq)); err != nil {
			t.Fatal(err)
		}
		c.out.acksWait.Store(false) // it would wait for the channel's end
	}
	if kept := p.stats().Buffered; kept != 1<<20 {
		t.Errorf("%d bytes are kept for a reader", kept)
	}
	if n := len(c.out.acks); n != 2*mostAcks {
		t.Errorf("%d acknowledgements are kept", n)
	}
}

// leaving is an engine that ends: it is full for as often as it says, and has no room.
type leaving struct {
	collector
	times int
}

func (e *leaving) full() bool { e.times--; return e.times >= 0 }

func (e *leaving) room(<-chan struct{}) {}

// TestWhatFollowsAGapIsNotRead: once a payload was thrown away because the engine ends, no
// later one reaches the engine, though it has room again when its connections are closed: it
// would take the middle of a frame for the start of one, and the session for broken.
func TestWhatFollowsAGapIsNotRead(t *testing.T) {
	for times := range 6 {
		c := newChannel(t.Context(), Options{})
		e := &leaving{times: times}
		if err := c.in.attach(e); err != nil {
			t.Fatal(err)
		}
		const all = "abcdef"
		for seq := range int64(len(all)) {
			c.in.waitForRoom(make(chan struct{}))
			f := wire.Frame{Type: wire.OutputStreamData, Seq: seq, PayloadType: wire.PayloadOutput, Payload: []byte{all[seq]}}
			if err := c.in.handle(f.Append(nil)); err != nil {
				t.Fatal(err)
			}
		}
		if got := e.got.String(); !strings.HasPrefix(all, got) {
			t.Errorf("full %d times: the engine got %q", times, got)
		}
	}
}

// TestHaltedReaderKeepsWhatItRead: a message that a reader takes when its connection is lost,
// while local readers have too much, is the session's all the same.
func TestHaltedReaderKeepsWhatItRead(t *testing.T) {
	c := newChannel(t.Context(), Options{})
	e := collect(t, c)
	e.stop = true
	halt := make(chan struct{})
	close(halt)
	c.in.waitForRoom(halt)
	message := (&wire.Frame{Type: wire.OutputStreamData, Seq: 0, PayloadType: wire.PayloadOutput, Payload: []byte("kept")}).Append(nil)
	if err := c.in.handle(message); err != nil || e.got.String() != "kept" {
		t.Errorf("got %q, %v", e.got.String(), err)
	}
}
