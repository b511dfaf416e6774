package channel

import "slices"

// ackLog remembers the acknowledgements that were written lately: those in flight on a
// connection that breaks are lost, and the agent, which sends only its oldest message
// again, needs 100 ms for each one that it lacks. The lock of outgoing, which it is part
// of, guards it.
type ackLog struct {
	ring  []acknowledgement // the last ackMemory, from next on
	next  int
	fresh int  // how many of them, the newest, were written on the connection of now
	stale bool // the others have not been written again since
}

const (
	ackMemory = 4096 // acknowledgements: five seconds of an agent that paces itself
	ackRepeat = 128  // that are written again on each new connection
)

// wrote notes acknowledgements that are being written.
func (a *ackLog) wrote(acks []acknowledgement) {
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
func (a *ackLog) newest(n int) []acknowledgement {
	all := slices.Concat(a.ring[a.next:], a.ring[:a.next])
	return all[len(all)-min(n, len(all)):]
}

// reconnected returns what to write again at once on a new connection.
func (a *ackLog) reconnected() []acknowledgement {
	a.fresh, a.stale = 0, len(a.ring) > 0
	return a.newest(ackRepeat)
}

// repeated returns what to write again now that the agent has repeated a message that it
// had an acknowledgement of: those of earlier connections, of this message and of later ones.
func (a *ackLog) repeated(seq int64) []acknowledgement {
	if !a.stale {
		return nil
	}
	a.stale = false
	all := a.newest(len(a.ring))
	return slices.DeleteFunc(all[:len(all)-a.fresh], func(k acknowledgement) bool { return k.seq <= seq })
}
