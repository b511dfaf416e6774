package automata

import "encoding/binary"

// Memo keeps what Classes found for the same automata before. The zero Memo is ready; it
// serves one goroutine at a time.
type Memo struct {
	known map[string]memory
	key   []byte // of the last question, whose memory the next one uses
}

// memory is what was found, all of it, and with how many steps.
type memory struct {
	classes []Class
	steps   int
}

// mostMemories bounds what a Memo keeps.
const mostMemories = 512

// Classes is the function of this name. What is remembered takes the same steps from left as
// it took when it was found, so that the answers are the same; the classes are not the caller's to change.
func (m *Memo) Classes(automata []NFA, form *NFA, left *int) ([]Class, bool) {
	m.key = m.key[:0]
	for i := range automata {
		m.key = automata[i].appendKey(m.key)
	}
	if form != nil {
		m.key = form.appendKey(append(m.key, "form"...))
	}
	if found, ok := m.known[string(m.key)]; ok && found.steps <= *left {
		*left -= found.steps
		return found.classes, true
	}
	before := *left
	classes, all := Classes(automata, form, left)
	if all {
		if m.known == nil || len(m.known) >= mostMemories {
			m.known = make(map[string]memory)
		}
		m.known[string(m.key)] = memory{classes, before - *left}
	}
	return classes, all
}

// appendKey appends what tells the automaton from every other.
func (n *NFA) appendKey(b []byte) []byte {
	list := func(ints []int) {
		b = binary.AppendUvarint(b, uint64(len(ints)))
		for _, i := range ints {
			b = binary.AppendUvarint(b, uint64(i))
		}
	}
	b = binary.AppendUvarint(b, uint64(len(n.tokens)))
	for _, t := range n.tokens {
		b = binary.AppendUvarint(append(b, byte(t.kind)), uint64(t.r))
		if t.kind == tokSet || t.kind == tokSetStar {
			b = append(binary.AppendUvarint(b, uint64(len(t.set))), t.set...)
		}
	}
	b = binary.AppendUvarint(b, uint64(len(n.jumps)))
	for _, j := range n.jumps {
		b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(j.from)), uint64(j.to))
	}
	list(n.start)
	list(n.accept)
	return b
}
