package channel

import (
	"io"
	"syscall"
	"testing"
	"time"
)

// TestDownloadsUnderCuts downloads from an agent with the real one's habits: a message
// of 1,024 bytes each 1.3 ms whatever the client acknowledges, and the oldest
// unacknowledged one alone again, each 100 ms. Every message that a cut finds on its way
// costs one such interval, or as many as a round trip takes, whatever the client does.
func TestDownloadsUnderCuts(t *testing.T) {
	for _, line := range []struct {
		latency time.Duration // one way
		most    float64       // times as long as without cuts
	}{
		{5 * time.Millisecond, 1.5},
		{20 * time.Millisecond, 1.5},
		{75 * time.Millisecond, 7.7},
	} {
		t.Run(line.latency.String(), func(t *testing.T) {
			took := make(map[time.Duration]time.Duration)
			for _, every := range []time.Duration{0, 2 * time.Second} {
				withVrig(t, func(n *vnet, _ *Options) { n.latency = line.latency }, func(t *testing.T, r *vrig) {
					r.agent.mu.Lock()
					r.agent.most, r.agent.pace = 100000, 1300*time.Microsecond
					r.agent.mu.Unlock()
					took[every] = downloadFile(t, r, every)
					r.agent.mu.Lock()
					defer r.agent.mu.Unlock()
					t.Logf("a cut each %v: %v, %d cuts, %d messages sent again, %d of them in vain",
						every, took[every], r.c.Stats().Resumed, r.agent.resent, r.c.Stats().Repeated)
				})
			}
			if times := float64(took[2*time.Second]) / float64(took[0]); times > line.most {
				t.Errorf("%.1f times as long as without cuts, more than %.1f", times, line.most)
			}
		})
	}
}

// downloadFile gets a file of vfile bytes, with a reset of the connection to the gateway every so often.
func downloadFile(t *testing.T, r *vrig, every time.Duration) time.Duration {
	t.Helper()
	begun := time.Now()
	conn := r.connect('f')
	defer conn.Close()
	done := make(chan struct{})
	defer func() { <-done }()
	over := make(chan struct{})
	defer close(over)
	go func() {
		defer close(done)
		for every > 0 {
			select {
			case <-time.After(every):
				r.net.each(func(c *vconn) { c.reset(syscall.ECONNRESET) })
			case <-over:
				return
			}
		}
	}()
	conn.SetDeadline(time.Now().Add(time.Hour)) //nolint:errcheck // it never fails
	n, err := io.Copy(io.Discard, conn)
	if err != nil || n != vfile {
		t.Errorf("got %d bytes of %d: %v", n, vfile, err)
	}
	return time.Since(begun)
}

// A line that goes dead is noticed, and the session resumed, in less than 10 s.
func TestResumedSoonAfterSilence(t *testing.T) {
	withVrig(t, func(*vnet, *Options) {}, func(t *testing.T, r *vrig) {
		time.Sleep(time.Minute)
		begun := time.Now()
		r.net.each(func(c *vconn) { c.stall(true) })
		for r.c.Stats().Resumed == 0 && time.Since(begun) < time.Minute {
			time.Sleep(100 * time.Millisecond)
		}
		if took := time.Since(begun); took >= 10*time.Second {
			t.Errorf("took %v", took)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if len(r.events) == 0 || r.events[0].Kind != Lost || !Silenced(r.events[0].Err) {
			t.Errorf("%+v", r.events)
		}
	})
}
