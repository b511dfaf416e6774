package channel

import "time"

// Wait lets a leaving channel wait so long for the far side.
func (o *Options) Wait(d time.Duration) { o.farewell = d }

// Takers returns how many channels wait for a connection.
func (in *Inlet) Takers() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return len(in.takers)
}
