package reliable

import (
	"errors"
	"strings"
	"testing"

	"ssmguard/proxy/channel/wire"
)

// TestReceiver: messages are delivered once and in order, and each is acknowledged
// as often as it comes: the agent repeats its oldest until it is.
func TestReceiver(t *testing.T) {
	r := Receiver{Limit: 1 << 20}
	var got strings.Builder
	deliver := func(_ wire.PayloadType, b []byte) error { got.Write(b); return nil }
	for i, step := range []struct {
		seq       int64
		payload   string
		ack       bool
		delivered string
		repeated  int64
	}{
		{0, "a", true, "a", 0},
		{0, "a", true, "a", 1},
		{2, "c", true, "a", 1},
		{2, "c", true, "a", 2},
		{3, "d", true, "a", 2},
		{1 << 21, "far", false, "a", 2},
		{1, "b", true, "abcd", 2},
		{3, "d", true, "abcd", 3},
		{4, "e", true, "abcde", 3},
	} {
		ack, err := r.Accept(&wire.Frame{Seq: step.seq, Payload: []byte(step.payload)}, deliver)
		if err != nil || ack != step.ack || got.String() != step.delivered || r.Repeated.Load() != step.repeated {
			t.Errorf("step %d, message %d: acknowledged %v, delivered %q, %d repeated, %v", i, step.seq, ack, got.String(), r.Repeated.Load(), err)
		}
	}
	if len(r.Early) != 0 || r.Bytes != 0 {
		t.Errorf("%d messages, %d bytes wait", len(r.Early), r.Bytes)
	}
}

// TestReceiverRefuses: what cannot be kept or delivered is not acknowledged, and so
// comes again.
func TestReceiverRefuses(t *testing.T) {
	const limit = 1 << 20
	r := Receiver{Limit: limit}
	deliver := func(wire.PayloadType, []byte) error { return nil }
	big := make([]byte, limit/2)
	if ack, err := r.Accept(&wire.Frame{Seq: 1, Payload: big}, deliver); !ack || err != nil {
		t.Errorf("as much as may wait: %v, %v", ack, err)
	}
	if ack, err := r.Accept(&wire.Frame{Seq: 2, Payload: big}, deliver); ack || err != nil {
		t.Errorf("more than may wait: %v, %v", ack, err)
	}
	broken := errors.New("broken")
	ack, err := r.Accept(&wire.Frame{Seq: 0}, func(wire.PayloadType, []byte) error { return broken })
	if ack || !errors.Is(err, broken) || r.Expected != 0 {
		t.Errorf("what cannot be delivered: %v, %v, %d is next", ack, err, r.Expected)
	}
	many := Receiver{Limit: limit, Early: make(map[int64]Arrival)}
	for seq := range int64(maxEarly) {
		many.Early[seq+1] = Arrival{}
	}
	if ack, _ := many.Accept(&wire.Frame{Seq: maxEarly + 1}, deliver); ack {
		t.Error("one message too many is kept")
	}
}
