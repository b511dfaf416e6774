package channel_test

import (
	"context"
	"flag"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"ssmguard/internal/sandbox/gateway"
	"ssmguard/proxy"
	"ssmguard/proxy/channel"
)

var (
	soakSize = flag.Int("soak.mib", 1, "MiB that TestSoak sends each way")
	soakCuts = flag.Int("soak.cuts", 10, "times that TestSoak cuts the connection")
)

// TestSoak sends a lot both ways at once through one connection while the
// session's connection is cut again and again, in every manner, with a lossy
// line. .ci/soak runs it at full size.
func TestSoak(t *testing.T) {
	for _, version := range []string{"3.3.0.0", old} {
		t.Run("agent "+version, func(t *testing.T) {
			c := config(listen(t, echoes))
			c.AgentVersion, c.Unpaced = version, false
			noisy := gateway.Noise{Loss: 0.0005, Duplicate: 0.001, Reorder: 0.001}
			c.Faults = gateway.Faults{Seed: 7, Up: noisy, Down: noisy}
			r := newRig(t, c, func(o *channel.Options) {
				o.PingEvery, o.Silence = 200*time.Millisecond, time.Second
				o.Backoff = proxy.Backoff{Min: 5 * time.Millisecond, Max: 100 * time.Millisecond}
			})
			size := *soakSize << 20
			share := size / (*soakCuts + 1)
			next := make(chan struct{}, 1)
			next <- struct{}{}
			limit := patience + time.Duration(20**soakSize)*time.Second
			ctx, done := context.WithTimeout(t.Context(), limit)
			cuts := 0
			var g errgroup.Group
			g.Go(func() error {
				cuts = cutEvenly(ctx, r, int64(share), next)
				return nil
			})
			g.Go(func() error {
				defer done()
				conn := inShares{r.connect(), share, next}
				return roundTripWithin(conn, 42, size, limit)
			})
			if err := g.Wait(); err != nil {
				t.Fatalf("%v; %d cuts, stats %+v", err, cuts, r.c.Stats())
			}
			if s := r.c.Stats(); cuts < *soakCuts || s.Resumed < int64(cuts) {
				t.Errorf("%d cuts of %d, stats %+v", cuts, *soakCuts, s)
			}
			t.Logf("%d MiB each way, %d cuts, stats %+v", *soakSize, cuts, r.c.Stats())
		})
	}
}

// inShares is a connection that takes what is sent in shares, each when next says so.
type inShares struct {
	net.Conn
	share int
	next  <-chan struct{}
}

func (c inShares) Write(b []byte) (sent int, err error) {
	for sent < len(b) && err == nil {
		<-c.next
		var n int
		n, err = c.Conn.Write(b[sent:min(sent+c.share, len(b))])
		sent += n
	}
	return sent, err
}

// cutEvenly cuts soakCuts connections, each when a part of the last share has come
// back, has the next share sent then, and returns how many it did. The state lags: a
// connection that was cut still counts as connected until the gateway's reader notices.
func cutEvenly(ctx context.Context, r *rig, share int64, next chan<- struct{}) int {
	defer close(next)
	rnd := rand.New(rand.NewPCG(1, 2))
	at := share / 2
	for i := range *soakCuts {
		st, err := r.s.Await(ctx, func(st gateway.Status) bool {
			return st.State == gateway.Connected && len(st.Connects) > i && st.Down.Payload > at
		})
		if err != nil {
			return i
		}
		r.s.Cut([]gateway.Action{gateway.CutRST, gateway.CutFIN, gateway.CutFrame, gateway.CutRST, gateway.CutFIN, gateway.CutFrame, gateway.Stall}[rnd.IntN(7)])
		at = st.Down.Payload + share*3/4 // more than what is left of this share
		next <- struct{}{}
	}
	return *soakCuts
}

// TestSoakConnections keeps opening and closing connections across cuts.
func TestSoakConnections(t *testing.T) {
	r := newRig(t, config(listen(t, echoes)), func(o *channel.Options) { o.Answered = 100 * time.Millisecond })
	ctx, done := context.WithCancel(t.Context())
	var g, cutter errgroup.Group
	cutter.Go(func() error {
		for i := 1; ; i++ {
			_, err := r.s.Await(ctx, func(st gateway.Status) bool {
				return st.State == gateway.Connected && st.Dials > 20*i
			})
			if err != nil {
				return nil
			}
			r.s.Cut(gateway.CutRST)
		}
	})
	for worker := range 10 {
		g.Go(func() error {
			for i := range 10 * *soakSize {
				conn, err := net.Dial("tcp", r.in.Addr().String())
				if err != nil {
					return err
				}
				err = roundTrip(conn, uint64(worker*1000+i), 2000)
				conn.Close()
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	err := g.Wait()
	done()
	cutter.Wait() //nolint:errcheck // it has none
	if err != nil {
		t.Fatalf("%v; stats %+v, gateway %+v", err, r.c.Stats(), r.s.Status())
	}
	t.Logf("stats %+v", r.c.Stats())
}
