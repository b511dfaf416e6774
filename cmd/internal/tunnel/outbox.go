package tunnel

import (
	"sync"

	"ssmguard/cmd/internal/report"
	"ssmguard/proxy"
)

// outbox passes events on in their order. The sender, such as a channel that has to
// resume, does not wait until they are written, because a terminal may be stopped.
type outbox struct {
	to    report.Events
	fault func(error) // gets the error of an event that could not be written

	mu    sync.Mutex
	queue []proxy.Event
	more  chan struct{} // signals that the queue has an event
	over  chan struct{} // closed when no more events come
	empty chan struct{} // closed when all events are passed on
}

// newOutbox starts an outbox; close ends it.
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

// close returns when all events are passed on. put must not be called after it.
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
