package reliable

import (
	"slices"

	"ssmguard/proxy/channel/wire"
)

// Acknowledgement is one of a message of the agent, to be sent.
type Acknowledgement struct {
	ID  wire.UUID
	Seq int64
}

// AckLog remembers the acknowledgements that were written lately: those in flight on a
// connection that breaks are lost, and the agent, which sends only its oldest message
// again, needs 100 ms for each one that it lacks. The lock of outgoing, which it is part
// of, guards it.
type AckLog struct {
	ring  []Acknowledgement // the last ackMemory, from next on
	next  int
	fresh int  // how many of them, the newest, were written on the connection of now
	stale bool // the others have not been written again since
}

const (
	ackMemory = 4096 // acknowledgements: five seconds of an agent that paces itself
	ackRepeat = 128  // that are written again on each new connection
)

// Wrote notes acknowledgements that are being written.
func (a *AckLog) Wrote(acks []Acknowledgement) {
	for _, k := range acks {
		if len(a.ring) < ackMemory {
			a.ring = append(a.ring, k)
		} else {
			a.ring[a.next] = k
			a.next = (a.next + 1) % ackMemory
		}
	}
	a.fresh = min(a.fresh+len(acks), len(a.ring))
}

// newest returns what was noted, the newest n at most, the oldest of them first.
func (a *AckLog) newest(n int) []Acknowledgement {
	all := slices.Concat(a.ring[a.next:], a.ring[:a.next])
	return all[len(all)-min(n, len(all)):]
}

// Reconnected returns what to write again at once on a new connection.
func (a *AckLog) Reconnected() []Acknowledgement {
	a.fresh, a.stale = 0, len(a.ring) > 0
	return a.newest(ackRepeat)
}

// Repeated returns what to write again now that the agent has repeated a message that it
// had an acknowledgement of: those of earlier connections, of this message and of later ones.
func (a *AckLog) Repeated(seq int64) []Acknowledgement {
	if !a.stale {
		return nil
	}
	a.stale = false
	all := a.newest(len(a.ring))
	return slices.DeleteFunc(all[:len(all)-a.fresh], func(k Acknowledgement) bool { return k.Seq <= seq })
}
