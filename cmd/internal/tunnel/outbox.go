package tunnel

import (
	"sync"

	"ssmguard/cmd/internal/report"
	"ssmguard/proxy"
)

// outbox hands events on, in their order. Whoever tells them, a channel that has
// to resume for instance, does not wait until they are taken: a terminal may be
// stopped, or its user away.
type outbox struct {
	to    report.Events
	fault func(error) // told why an event could not be handed on

	mu    sync.Mutex
	queue []proxy.Event
	more  chan struct{} // there is something in queue
	over  chan struct{} // closed when nothing more comes
	empty chan struct{} // closed when all is handed on
}

// newOutbox starts to hand on; close ends it.
func newOutbox(to report.Events, fault func(error)) *outbox {
	b := &outbox{to: to, fault: fault, more: make(chan struct{}, 1), over: make(chan struct{}), empty: make(chan struct{})}
	go b.run()
	return b
}

func (b *outbox) put(e proxy.Event) {
	b.mu.Lock()
	b.queue = append(b.queue, e)
	b.mu.Unlock()
	proxy.Signal(b.more)
}

// close returns when everything is handed on. Nothing may be put in any more.
func (b *outbox) close() {
	close(b.over)
	<-b.empty
}

func (b *outbox) run() {
	defer close(b.empty)
	for last := false; !last; {
		select {
		case <-b.more:
		case <-b.over:
			last = true
		}
		b.mu.Lock()
		queue := b.queue
		b.queue = nil
		b.mu.Unlock()
		for _, e := range queue {
			if err := b.to.Event(e); err != nil {
				b.fault(err)
			}
		}
	}
}
