package reliable

// Newest returns the numbers of the n messages that were sent last, the first of them first.
func (s *Sender) Newest(n int) []int64 {
	seqs := make([]int64, n)
	for m := s.Flight.tail; n > 0; m = m.prev {
		n--
		seqs[n] = m.seq
	}
	return seqs
}
