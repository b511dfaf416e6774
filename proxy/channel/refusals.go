package channel

// RefusedAgain is the kind of an event like Refused that comes each time that the agent says
// so, the first time included: the official plugin prints each.
const RefusedAgain EventKind = -1

// refusals finds out which streams the remote port has refused: the agent's flag
// names none, but comes before the end of the stream. The lock of ports, which it is
// part of, guards it.
type refusals struct {
	reported    bool            // since a connection last got bytes
	unexplained int             // flags whose stream has not ended yet
	unheard     map[uint32]bool // streams that were gone before they got anything
}

// maxUnheard bounds what an agent that never closes its streams makes us remember.
const maxUnheard = 4096

// flag takes a flag that the port refused; report means that an Event is due.
func (r *refusals) flag() (report bool) {
	r.unexplained++
	report, r.reported = !r.reported, true
	return report
}

// explain reports whether a stream that ends without having got anything was refused.
func (r *refusals) explain() bool {
	if r.unexplained == 0 {
		return false
	}
	r.unexplained--
	return true
}

// forgotten takes a stream that is gone and got neither bytes nor an end: a refusal
// may have been meant for it.
func (r *refusals) forgotten(id uint32) {
	if r.unheard == nil || len(r.unheard) >= maxUnheard {
		r.unheard = make(map[uint32]bool)
	}
	r.unheard[id] = true
}

// ended takes the far side's end of a stream that is gone.
func (r *refusals) ended(id uint32) {
	if r.unheard[id] {
		r.explain()
	}
	delete(r.unheard, id)
}
