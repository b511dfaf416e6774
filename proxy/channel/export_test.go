package channel

// Takers returns how many channels wait for a connection.
func (in *Inlet) Takers() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return len(in.takers)
}
