package report

import (
	"sync"

	"ssmguard/proxy"
)

// Outbox passes events on in their order. The sender, such as a channel that has to
// resume, does not wait until they are written, because a terminal may be stopped.
type Outbox struct {
	to    Events
	fault func(error) // gets the error of an event that could not be written

	mu    sync.Mutex
	queue []proxy.Event
	more  chan struct{} // signals that the queue has an event
	over  chan struct{} // closed when no more events come
	empty chan struct{} // closed when all events are passed on
}

// NewOutbox starts an Outbox; Close ends it.
func NewOutbox(to Events, fault func(error)) *Outbox {
	b := &Outbox{to: to, fault: fault, more: make(chan struct{}, 1), over: make(chan struct{}), empty: make(chan struct{})}
	go b.run()
	return b
}

// Put adds an event.
func (b *Outbox) Put(e proxy.Event) {
	b.mu.Lock()
	b.queue = append(b.queue, e)
	b.mu.Unlock()
	proxy.Signal(b.more)
}

// Close returns when all events are passed on. Put must not be called after it.
func (b *Outbox) Close() {
	close(b.over)
	<-b.empty
}

func (b *Outbox) run() {
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
