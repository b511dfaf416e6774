package reliable

import (
	"sync/atomic"

	"ssmguard/proxy/channel/wire"
)

// Receiver puts the agent's messages into order. Every message is acknowledged,
// old ones again: the agent resends only its oldest, so one acknowledgement
// that got lost would stop it for good.
type Receiver struct {
	Limit    int // what may wait for its turn, in bytes as Bytes counts them; it may change
	Expected int64
	Early    map[int64]Arrival
	Bytes    int          // what Early costs: payloads, and earlyCost for each
	Repeated atomic.Int64 // messages that came again, for Stats
}

// Arrival is a message that came before its turn.
type Arrival struct {
	Kind    wire.PayloadType
	Payload []byte
}

// Bounds of what may wait for its turn, beside Receiver.Limit. An agent sends whether or
// not a message is missing, 100,000 messages of 1,024 bytes at most. What exceeds the
// bounds is not acknowledged and so comes again, but one message each 100 ms.
const (
	maxEarly  = 100000
	earlyCost = 128 // what a message costs that waits, beside its payload: its place in the map, and the allocator's rounding
)

// Has reports whether the message of that number has come before.
func (r *Receiver) Has(seq int64) bool {
	_, early := r.Early[seq]
	return early || seq < r.Expected
}

// Accept takes a verified stream message. It calls deliver for it and for each
// that can follow, in order, and reports whether to acknowledge it.
func (r *Receiver) Accept(f *wire.Frame, deliver func(wire.PayloadType, []byte) error) (ack bool, err error) {
	switch {
	case f.Seq < r.Expected:
		r.Repeated.Add(1)
		return true, nil
	case f.Seq > r.Expected:
		return r.keep(f), nil
	}
	if err := deliver(f.PayloadType, f.Payload); err != nil {
		return false, err
	}
	r.Expected++
	for len(r.Early) > 0 {
		a, ok := r.Early[r.Expected]
		if !ok {
			break
		}
		delete(r.Early, r.Expected)
		r.Bytes -= earlyCost + len(a.Payload)
		if err := deliver(a.Kind, a.Payload); err != nil {
			return false, err
		}
		r.Expected++
	}
	return true, nil
}

func (r *Receiver) keep(f *wire.Frame) bool {
	if _, ok := r.Early[f.Seq]; ok {
		r.Repeated.Add(1)
		return true
	}
	cost := earlyCost + len(f.Payload)
	if len(r.Early) >= maxEarly || r.Bytes+cost > r.Limit || f.Seq-r.Expected > 1<<20 {
		return false
	}
	if r.Early == nil {
		r.Early = make(map[int64]Arrival)
	}
	r.Early[f.Seq] = Arrival{f.PayloadType, append([]byte(nil), f.Payload...)}
	r.Bytes += cost
	return true
}
