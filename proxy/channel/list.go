package channel

import "time"

// message is one numbered message of ours, from the moment it is filled until
// it is acknowledged. It is in exactly one list, or in none.
type message struct {
	buf         []byte // header, then payload
	seq         int64
	first, last time.Time // when it was sent
	sends       int
	in          *messages
	prev, next  *message
}

// payload is where a caller puts up to n bytes.
func (m *message) payload(n int) []byte { return m.buf[HeaderSize : HeaderSize+n] }

// messages is a list of messages, linked through them.
type messages struct {
	head, tail *message
	n          int
}

func (l *messages) push(m *message) {
	m.in, m.prev, m.next = l, l.tail, nil
	if l.tail == nil {
		l.head = m
	} else {
		l.tail.next = m
	}
	l.tail = m
	l.n++
}

func (l *messages) remove(m *message) {
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
	l.n--
}

// numbered finds unacknowledged messages by their sequence number. Entries that
// are acknowledged are nil, and are dropped once they are the oldest.
type numbered struct {
	base int64 // sequence number of q[head]
	q    []*message
	head int
}

func (s *numbered) add(m *message) { s.q = append(s.q, m) }

func (s *numbered) get(seq int64) *message {
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

// oldest returns the unacknowledged message with the lowest number, or nil.
func (s *numbered) oldest() *message {
	if s.head < len(s.q) {
		return s.q[s.head]
	}
	return nil
}
