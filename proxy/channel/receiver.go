package channel

import "sync/atomic"

// receiver puts the agent's messages into order. Every message is acknowledged,
// old ones again: the agent resends only its oldest, so one acknowledgement
// that got lost would stop it for good.
type receiver struct {
	expected int64
	early    map[int64]arrival
	bytes    int
	repeated atomic.Int64 // messages that came again, for Stats
}

// arrival is a message that came before its turn.
type arrival struct {
	kind    PayloadType
	payload []byte
}

// Bounds of what may wait for its turn. What exceeds them is not acknowledged
// and so comes again.
const (
	maxEarly      = 10000
	maxEarlyBytes = 16 << 20
)

// accept takes a verified stream message. It calls deliver for it and for each
// that can follow, in order, and reports whether to acknowledge it.
func (r *receiver) accept(f *Frame, deliver func(PayloadType, []byte) error) (ack bool, err error) {
	switch {
	case f.Seq < r.expected:
		r.repeated.Add(1)
		return true, nil
	case f.Seq > r.expected:
		return r.keep(f), nil
	}
	if err := deliver(f.PayloadType, f.Payload); err != nil {
		return false, err
	}
	r.expected++
	for len(r.early) > 0 {
		a, ok := r.early[r.expected]
		if !ok {
			break
		}
		delete(r.early, r.expected)
		r.bytes -= len(a.payload)
		if err := deliver(a.kind, a.payload); err != nil {
			return false, err
		}
		r.expected++
	}
	return true, nil
}

func (r *receiver) keep(f *Frame) bool {
	if _, ok := r.early[f.Seq]; ok {
		r.repeated.Add(1)
		return true
	}
	if len(r.early) >= maxEarly || r.bytes+len(f.Payload) > maxEarlyBytes || f.Seq-r.expected > 1<<20 {
		return false
	}
	if r.early == nil {
		r.early = make(map[int64]arrival)
	}
	r.early[f.Seq] = arrival{f.PayloadType, append([]byte(nil), f.Payload...)}
	r.bytes += len(f.Payload)
	return true
}
