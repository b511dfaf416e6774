package channel_test

import (
	"flag"
	"fmt"
	"testing"
	"time"

	"ssmguard/internal/sandbox/gateway"
)

// An upload arrives whole through a gateway that pauses its client and loses what is too much.
func TestUploadThroughPolicedGateway(t *testing.T) {
	c := config(listen(t, orders))
	c.Police = gateway.Police{Rate: 400_000, Queue: 32 << 10}
	r := newRig(t, c, nil)
	conn := r.connect()
	if _, err := transfer(conn, 'u', 512<<10); err != nil {
		t.Fatal(err)
	}
	status := r.g.Sessions()[0]
	if status.Pauses == 0 {
		t.Error("the gateway never paused the client")
	}
	if s := r.c.Stats(); s.Resumed > 0 || status.Up.Payload < 512<<10 {
		t.Errorf("stats %+v, status %+v", s, status)
	}
}

var (
	policed        = flag.Bool("policed", false, "run TestPoliced, which measures and takes minutes")
	policedSeconds = flag.Int("policed-seconds", 8, "seconds of upload in each setting of TestPoliced")
)

// TestPoliced compares uploads of the official plugin and of ours through a policed gateway
// in the same run, and prints them as shares of what the policer lets through. It fails if
// ours lose a session or are slower than the plugin's. Run it by .ci/flow, on a machine with
// nothing else to do.
func TestPoliced(t *testing.T) {
	if !*policed {
		t.Skip("it measures: run .ci/flow")
	}
	server := listen(t, orders)
	out := t.Output()
	fmt.Fprintf(out, "%-12s%-10s%-10s%-10s%-10s%-10s%-10s%s\n", "MB/s", "away", "KiB", "plugin", "native", "ratio", "pauses", "lost")
	for _, rate := range []int{1e6, 2e6, 8e6} {
		for _, trip := range []time.Duration{5 * time.Millisecond, 40 * time.Millisecond, 150 * time.Millisecond} {
			for _, queue := range []int{32 << 10, 256 << 10} {
				t.Run(fmt.Sprintf("%d MB per s, %v away, queue of %d KiB", rate/1e6, trip, queue>>10), func(t *testing.T) {
					c := config(server)
					c.Police = gateway.Police{Rate: rate, Queue: queue, Patience: 10 * time.Second}
					c.Faults.Up.Delay, c.Faults.Down.Delay = trip/2, trip/2
					theirs, _ := policedShare(t, official, c)
					ours, status := policedShare(t, native, c)
					fmt.Fprintf(out, "%-12d%-10v%-10d%-10.2f%-10.2f%-10.2f%-10d%d\n", rate/1e6, trip, queue>>10, theirs, ours, ours/theirs, status.Pauses, status.Overflow)
					if status.State == gateway.Ended {
						t.Errorf("the session of ours ended: %s", status.Reason)
					}
					promise(t, "not slower than the plugin", ours, theirs)
				})
			}
		}
	}
}

// policedShare uploads for a while and returns which share of what the policer lets through
// has arrived: payload and the headers of the messages that it came in, each counted once.
func policedShare(t *testing.T, kind carrier, c gateway.SessionConfig) (float64, gateway.Status) {
	k, conns := warm(t, kind, c, 1)
	defer k.stop()
	s, _ := k.g.Session(k.g.Sessions()[0].ID)
	before, begin := s.Status(), time.Now()
	lasts := time.Duration(*policedSeconds) * time.Second
	go transfer(conns[0], 'u', 1<<40) //nolint:errcheck // it ends with the carrier
	timer := time.NewTimer(lasts)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.Done():
	}
	after := s.Status()
	size := map[carrier]float64{official: 1024, native: 1536}[kind]
	payload := float64(after.Up.Payload - before.Up.Payload)
	return payload * (size + 120) / size / (float64(c.Police.Rate) * max(time.Since(begin), lasts).Seconds()), after
}
