package channel

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"time"

	"ssmguard/proxy/channel/reliable"
)

// liveness is what is known of the connection: whether there is one, when something
// last came, and how long it leaves our pings unanswered. The lock of outgoing, which
// it is part of, guards it, but for begun and heard.
type liveness struct {
	begun    time.Time
	heard    atomic.Int64    // when something last came, since begun
	up       context.Context // ends with the connection; nil while there is none
	down     context.CancelFunc
	upSince  time.Time
	changed  chan struct{} // closed at the next change of up
	holes    bool          // what the agent sent is known to be incomplete
	repeated time.Time     // when a message last came that we had: the agent still catches up
	fresh    time.Time     // when another one last came, or an acknowledgement
	pings    pings
}

// pings are our questions whether the connection is alive, and the gateway's answers.
type pings struct {
	next, last time.Time
	sent       int
	asked      time.Time // when the ping was sent whose answer is awaited; zero: none is
	askedID    string
	answered   bool // the gateway has answered a ping that was awaited
	ponged     bool // a pong of any kind has come, on an earlier connection
	ignored    bool // the gateway does not answer pings
}

// lateAnswer is how late an answer to a ping is when the line must have been held
// up: what was held up with it may come right behind.
const lateAnswer = 2 * time.Second

// late reports whether the answer to a ping is late.
func (p *pings) late(now time.Time) bool {
	return p.answered && !p.asked.IsZero() && now.Sub(p.asked) > lateAnswer
}

// send returns the payload of the ping that is sent now.
func (p *pings) send(now time.Time, every time.Duration) []byte {
	p.sent++
	id := "keepalive " + strconv.Itoa(p.sent)
	p.last, p.next = now, now.Add(every)
	if p.asked.IsZero() {
		p.asked, p.askedID = now, id
	}
	return []byte(id)
}

// errOneWay is why a connection is given up over which we hear the agent and it does not
// hear us: it repeats what it has no acknowledgement of.
var errOneWay = errors.New("nothing that is sent arrives")

// oneWayFor is how long a ping goes unanswered, and all that comes is repeated, before that is certain.
const oneWayFor = 30 * time.Second

// oneWay reports whether the gateway, which has answered pings, does not get what we send.
func (v *liveness) oneWay(now time.Time) bool {
	p := &v.pings
	return p.answered && !p.asked.IsZero() && now.Sub(reliable.Latest(p.asked, v.fresh)) > oneWayFor
}

// change tells those who wait that up has changed.
func (v *liveness) change() {
	close(v.changed)
	v.changed = make(chan struct{})
}

// hear notes that something came. It needs no lock.
func (v *liveness) hear(now time.Time) { v.heard.Store(int64(now.Sub(v.begun))) }

// connected prepares for a new connection: what is unacknowledged is sent again, and the
// acknowledgements that may have been lost with the last one are.
func (o *outgoing) connected(l *link, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sender.Restart(now)
	o.pongs = nil
	if again := o.acked.Reconnected(); len(again) > 0 && len(o.acks) < mostAcks {
		o.acks, o.ackSince = append(again, o.acks...), now
	}
	o.live.up, o.live.down = context.WithCancel(o.quit)
	o.live.change()
	o.live.upSince, o.live.pings.next, o.live.pings.asked = now, now, time.Time{}
	if !o.live.pings.ignored {
		l.silence = o.opt.Silence
	}
}

func (o *outgoing) disconnected() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.live.down()
	o.live.up = nil
	o.live.change()
}

// connection returns a context that ends with the connection, nil while there is none,
// and what is closed when that changes.
func (o *outgoing) connection() (up context.Context, changed <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.live.up, o.live.changed
}

// ponged notes an answer to a ping; one without a payload answers any.
func (o *outgoing) ponged(data string) {
	now := time.Now()
	o.live.hear(now)
	o.mu.Lock()
	defer o.mu.Unlock()
	p := &o.live.pings
	if data == "" || data == p.askedID {
		if p.late(now) {
			o.live.upSince = now
		}
		p.answered, p.asked = true, time.Time{}
	}
}

// notePongs is for the end of a connection. It remembers a gateway that never answers
// pings, against RFC 6455: its silence is no sign then.
func (o *outgoing) notePongs(ponged bool, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	p := &o.live.pings
	p.ponged = p.ponged || ponged
	p.ignored = !p.ponged && (p.ignored || isTimeout(err))
}

// silentFor returns how much longer it takes until it is certain that the agent
// has had nothing to say for d since a moment, or how long to wait before asking
// again; 0 means that it is certain now. Only a connection that is known to have been
// whole meanwhile can tell.
func (o *outgoing) silentFor(since time.Time, d time.Duration, now time.Time) time.Duration {
	const again = 100 * time.Millisecond
	o.mu.Lock()
	defer o.mu.Unlock()
	v := &o.live
	if v.up == nil || v.holes || v.pings.late(now) || o.sender.Paused || o.readerBlocked {
		return again
	}
	enough := reliable.Latest(since, v.upSince, v.repeated).Add(d)
	if left := enough.Sub(now); left > 0 {
		return left
	}
	if v.pings.ignored || !v.begun.Add(time.Duration(v.heard.Load())).Before(enough) {
		return 0
	}
	if v.pings.last.Before(enough) {
		v.pings.next = now
		o.wake()
	}
	return again
}

// heldUp returns for how long, since a moment, the reader has kept an answer to
// our ping waiting: how late it is with everything else.
func (o *outgoing) heldUp(since, now time.Time) time.Duration {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.live.pings.asked.IsZero() {
		return 0
	}
	return now.Sub(reliable.Latest(since, o.live.pings.asked))
}
