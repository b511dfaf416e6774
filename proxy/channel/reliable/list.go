package reliable

import (
	"time"

	"ssmguard/proxy/channel/wire"
)

// Message is one numbered message of ours, from the moment it is filled until
// it is acknowledged. It is in exactly one list, or in none.
type Message struct {
	Buf         []byte // header, then payload
	seq         int64
	first, last time.Time // when it was sent
	sends       int
	in          *messages
	prev, next  *Message
}

// Payload is where a caller puts up to n bytes.
func (m *Message) Payload(n int) []byte { return m.Buf[wire.HeaderSize : wire.HeaderSize+n] }

// messages is a list of messages, linked through them.
type messages struct {
	head, tail *Message
	N          int
}

func (l *messages) push(m *Message) {
	m.in, m.prev, m.next = l, l.tail, nil
	if l.tail == nil {
		l.head = m
	} else {
		l.tail.next = m
	}
	l.tail = m
	l.N++
}

func (l *messages) remove(m *Message) {
	if m.prev == nil {
		l.head = m.next
	} else {
		m.prev.next = m.next
	}
	if m.next == nil {
		l.tail = m.prev
	} else {
		m.next.prev = m.prev
	}
	m.in, m.prev, m.next = nil, nil, nil
	l.N--
}

// numbered finds unacknowledged messages by their sequence number. Entries that
// are acknowledged are nil, and are dropped once they are the oldest.
type numbered struct {
	base int64 // sequence number of q[head]
	q    []*Message
	head int
}

func (s *numbered) add(m *Message) { s.q = append(s.q, m) }

// next is the number of the next message.
func (s *numbered) next() int64 { return s.base + int64(len(s.q)-s.head) }

func (s *numbered) get(seq int64) *Message {
	if i := seq - s.base; i >= 0 && i < int64(len(s.q)-s.head) {
		return s.q[s.head+int(i)]
	}
	return nil
}

func (s *numbered) drop(seq int64) {
	s.q[s.head+int(seq-s.base)] = nil
	for s.head < len(s.q) && s.q[s.head] == nil {
		s.head++
		s.base++
	}
	if s.head > 1024 && s.head > len(s.q)/2 {
		s.q = append(s.q[:0], s.q[s.head:]...)
		s.head = 0
	}
}

// Oldest returns the unacknowledged message with the lowest number, or nil.
func (s *numbered) Oldest() *Message {
	if s.head < len(s.q) {
		return s.q[s.head]
	}
	return nil
}
