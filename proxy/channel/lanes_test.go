package channel_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"ssmguard/internal/sandbox/gateway"
	"ssmguard/proxy/channel"
)

func TestTwoHundredConnections(t *testing.T) {
	r := newRig(t, config(listen(t, echoes)), nil)
	conns := make([]*net.TCPConn, 200)
	for i := range conns {
		conns[i] = r.connect()
	}
	var g errgroup.Group
	for i, conn := range conns {
		g.Go(func() error { return roundTrip(conn, uint64(i), 10000) })
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	if s := r.c.Stats(); s.Open != 200 {
		t.Errorf("stats %+v", s)
	}
	r.s.Cut(gateway.CutRST)
	for i, conn := range conns {
		g.Go(func() error { return roundTrip(conn, uint64(i), 1000) })
	}
	if err := g.Wait(); err != nil {
		t.Fatalf("after a cut: %v", err)
	}
}

// Lanes share an Inlet: connections spread evenly, and a lane that ends takes
// only its own with it.
func TestLanes(t *testing.T) {
	c := config(listen(t, echoes))
	r := newRig(t, c, nil)
	lanes := []*channel.Channel{r.c}
	var wg sync.WaitGroup
	for range 2 {
		lane, err := r.dial(c, nil)
		if err != nil {
			t.Fatal(err)
		}
		lanes = append(lanes, lane)
		wg.Go(func() {
			if err := lane.Forward(context.Background(), r.in, channel.ForwardOptions{}); !errors.Is(err, channel.ErrClosed) {
				t.Errorf("lane: %v", err)
			}
		})
	}
	conns := make([]*net.TCPConn, 12)
	for i := range conns {
		for r.in.Takers() < len(lanes) { // one may still be busy with the last
			<-time.After(time.Millisecond)
		}
		conns[i] = r.connect()
		if err := roundTrip(conns[i], uint64(i), 1000); err != nil {
			t.Fatal(err)
		}
	}
	for i, lane := range lanes {
		if n := lane.Stats().Open; n != 4 {
			t.Errorf("lane %d carries %d of 12", i, n)
		}
	}
	lanes[2].Close()
	alive := 0
	for i, conn := range conns {
		if roundTrip(conn, uint64(i), 100) == nil {
			alive++
		}
	}
	if alive != 8 {
		t.Errorf("%d connections live on, want 8", alive)
	}
	if err := roundTrip(r.connect(), 1, 1000); err != nil {
		t.Errorf("a new connection: %v", err)
	}
	lanes[1].Close()
	wg.Wait()
}

// A lane whose connection is lost takes no connections while another can.
func TestLaneIsAway(t *testing.T) {
	c := config(listen(t, echoes))
	r := newRig(t, c, nil)
	away := r.s
	lane, err := r.dial(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() { lane.Forward(context.Background(), r.in, channel.ForwardOptions{}) }) //nolint:errcheck // ends with the lane
	away.RefuseResumes(1 << 30)
	away.Cut(gateway.CutRST)
	r.await(channel.Lost, 1)
	for i := range 6 {
		if err := roundTrip(r.connect(), uint64(i), 1000); err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
	}
	if a, b := r.c.Stats().Opened, lane.Stats().Opened; a != 0 || b != 6 {
		t.Errorf("%d connections on the lane that is away, %d on the other", a, b)
	}
	lane.Close()
	wg.Wait()
}

// The local port outlives its channel: connections wait for the next one.
func TestInletOutlivesChannel(t *testing.T) {
	c := config(listen(t, echoes))
	r := newRig(t, c, nil)
	r.s.Finish("")
	r.forward <- <-r.forward
	conn := r.connect()
	result := make(chan error, 1)
	go func() { result <- roundTrip(conn, 1, 10000) }()
	next, err := r.dial(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- next.Forward(context.Background(), r.in, channel.ForwardOptions{}) }()
	if err := <-result; err != nil {
		t.Error(err)
	}
	next.Close()
	<-done
}

func TestForwardRefusesShells(t *testing.T) {
	r := &rig{t: t, g: serve(t)}
	c, err := r.dial(gateway.SessionConfig{Kind: gateway.Shell}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Forward(t.Context(), nil, channel.ForwardOptions{}); err == nil {
		t.Error("a shell forwarded a port")
	}
	if err := c.Stdio(t.Context(), nil, nil); err == nil {
		t.Error("a shell joined as a port")
	}
}

// A port session without a local port, as ssh uses it.
func TestStdio(t *testing.T) {
	ssh := func(t *testing.T, handle func(*net.TCPConn)) (*rig, *channel.Channel) {
		r := &rig{t: t, g: serve(t)}
		c := config(listen(t, handle))
		c.Properties.Type = ""
		ch, err := r.dial(c, func(o *channel.Options) { o.Answered = 100 * time.Millisecond })
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ch.Close() })
		return r, ch
	}
	t.Run("far end", func(t *testing.T) {
		_, ch := ssh(t, func(c *net.TCPConn) {
			io.CopyN(c, c, 4) //nolint:errcheck // the test sees it
		})
		in, keyboard := io.Pipe()
		go keyboard.Write([]byte("ab\nc")) //nolint:errcheck // the test sees it
		var out bytes.Buffer
		if err := ch.Stdio(t.Context(), in, &out); err != nil || out.String() != "ab\nc" {
			t.Errorf("%q, %v", out.String(), err)
		}
	})
	t.Run("near end", func(t *testing.T) {
		r, ch := ssh(t, echoes)
		var out bytes.Buffer
		if err := ch.Stdio(t.Context(), bytes.NewReader([]byte("\n")), &out); err != nil || out.String() != "\n" {
			t.Errorf("%q, %v", out.String(), err)
		}
		select {
		case <-r.s.Done(): // the plugin leaves it running
		case <-time.After(patience):
			t.Error("the session was left running")
		}
	})
}
