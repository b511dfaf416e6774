package reliable

import (
	"sync/atomic"

	"ssmguard/proxy/channel/wire"
)

// Receiver puts the agent's messages into order. Every message is acknowledged,
// old ones again: the agent resends only its oldest, so one acknowledgement
// that got lost would stop it for good.
type Receiver struct {
	Expected int64
	Early    map[int64]Arrival
	Bytes    int
	Repeated atomic.Int64 // messages that came again, for Stats
}

// Arrival is a message that came before its turn.
type Arrival struct {
	Kind    wire.PayloadType
	Payload []byte
}

// Bounds of what may wait for its turn. What exceeds them is not acknowledged
// and so comes again.
const (
	maxEarly      = 10000
	maxEarlyBytes = 16 << 20
)

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
		r.Bytes -= len(a.Payload)
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
	if len(r.Early) >= maxEarly || r.Bytes+len(f.Payload) > maxEarlyBytes || f.Seq-r.Expected > 1<<20 {
		return false
	}
	if r.Early == nil {
		r.Early = make(map[int64]Arrival)
	}
	r.Early[f.Seq] = Arrival{f.PayloadType, append([]byte(nil), f.Payload...)}
	r.Bytes += len(f.Payload)
	return true
}
