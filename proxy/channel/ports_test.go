package channel_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"ssmguard/internal/sandbox/gateway"
	"ssmguard/proxy/channel"
)

const old = "3.0.100.0" // an agent that does not multiplex

// basicRig opens a session on an old agent, with more sessions to be had.
func basicRig(t *testing.T, c gateway.SessionConfig, limit int) (*rig, chan error) {
	t.Helper()
	c.AgentVersion = old
	r := &rig{t: t, g: serve(t)}
	var err error
	patience := func(o *channel.Options) { o.Answered = 50 * time.Millisecond }
	if r.c, err = r.dial(c, patience); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.in = channel.NewInlet(l)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	opt := channel.ForwardOptions{Limit: limit}
	if limit > 1 {
		opt.More = func(context.Context) (*channel.Channel, error) { return r.dial(c, patience) }
	}
	go func() { done <- r.c.Forward(ctx, r.in, opt) }()
	t.Cleanup(func() {
		cancel()
		r.in.Close()
		r.c.Close()
	})
	return r, done
}

// On an old agent every connection has its session, and sessions end with them.
func TestOldAgent(t *testing.T) {
	r, done := basicRig(t, config(listen(t, echoes)), 4)
	if r.c.Info().Multiplexed {
		t.Fatal("multiplexed")
	}
	var g errgroup.Group
	for i := range 8 {
		g.Go(func() error {
			conn := r.connect()
			defer conn.Close()
			return roundTrip(conn, uint64(i), 50000)
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	r.in.Close()
	if err := <-done; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Forward: %v", err)
	}
	sessions := r.g.Sessions()
	if len(sessions) != 8 {
		t.Errorf("%d sessions for 8 connections", len(sessions))
	}
	for _, st := range sessions {
		s, _ := r.g.Session(st.ID)
		select {
		case <-s.Done():
		case <-time.After(patience):
			t.Errorf("a session is left: %+v", s.Status())
		}
	}
}

func TestOldAgentWithoutMore(t *testing.T) {
	r, done := basicRig(t, config(listen(t, echoes)), 1)
	conn := r.connect()
	if err := roundTrip(conn, 1, 50000); err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if err := <-done; err != nil {
		t.Errorf("Forward: %v", err)
	}
}

// When no further session is to be had, the connection it was for is told, and
// the others go on; when there are no others, the caller is.
func TestOldAgentWithoutSessions(t *testing.T) {
	c := config(listen(t, echoes))
	c.AgentVersion = old
	r := &rig{t: t, g: serve(t)}
	var err error
	if r.c, err = r.dial(c, nil); err != nil {
		t.Fatal(err)
	}
	defer r.c.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.in = channel.NewInlet(l)
	defer r.in.Close()
	throttled := errors.New("ThrottlingException")
	done := make(chan error, 1)
	go func() {
		done <- r.c.Forward(context.Background(), r.in, channel.ForwardOptions{More: func(context.Context) (*channel.Channel, error) {
			return nil, throttled
		}})
	}()
	first := r.connect()
	if err := roundTrip(first, 1, 1000); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		r.resets()
	}
	if err := roundTrip(first, 2, 1000); err != nil {
		t.Errorf("the connection that has a session: %v", err)
	}
	r.await(channel.Unserved, 2) // it is told after the reset
	first.SetLinger(0)           //nolint:errcheck // the session ends sooner
	first.Close()
	for {
		if conn, err := net.Dial("tcp", l.Addr().String()); err == nil {
			defer conn.Close()
		}
		select {
		case err := <-done:
			if !errors.Is(err, throttled) {
				t.Errorf("Forward: %v", err)
			}
			return
		case <-time.After(100 * time.Millisecond): // the first one was not over yet
		}
	}
}

// The server's greeting comes before the first connection.
func TestOldAgentGreeting(t *testing.T) {
	r, _ := basicRig(t, config(listen(t, func(c *net.TCPConn) {
		c.Write([]byte("220 hello\r\n")) //nolint:errcheck // the test sees it
		echoes(c)
	})), 1)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := r.s.Await(ctx, func(st gateway.Status) bool { return st.Down.Payload > 10 }); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 11)
	if _, err := io.ReadFull(r.connect(), got); err != nil || string(got) != "220 hello\r\n" {
		t.Errorf("%q, %v", got, err)
	}
}

// What is sent while the agent still connects to the remote port is not taken,
// and sent again.
func TestAgentIsSlowToBegin(t *testing.T) {
	l := listen(t, echoes)
	c := config(l)
	c.AgentVersion = old // it connects at once
	dialing, release := make(chan struct{}), make(chan struct{})
	c.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
		close(dialing)
		<-release
		return (&net.Dialer{}).DialContext(ctx, "tcp", l.Addr().String())
	}
	r := newRig(t, c, nil)
	conn := r.connect()
	result := make(chan error, 1)
	go func() { result <- roundTrip(conn, 1, 5000) }()
	<-dialing
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := r.s.Await(ctx, func(st gateway.Status) bool { return st.Up.Messages > 5 }); err != nil {
		t.Error(err)
	}
	close(release)
	if err := <-result; err != nil {
		t.Errorf("%v; stats %+v", err, r.c.Stats())
	}
}

func TestRefusedRemotePort(t *testing.T) {
	r := newRig(t, closedPort(t), func(o *channel.Options) {
		o.Session.Spec.Parameters = map[string][]string{"host": {"db.internal"}, "portNumber": {"5432"}}
	})
	for range 3 {
		r.resets()
	}
	if n := r.seen(channel.Refused); n != 1 {
		t.Errorf("said %d times, want once", n)
	}
	if e := r.first(channel.Refused); e.Text != "db.internal:5432" {
		t.Errorf("said of %q", e.Text)
	}
	if n := r.c.Stats().Unreachable; n != 3 {
		t.Errorf("%d refusals counted", n)
	}
}

// A local reset closes the far connection at once, without waiting for an answer.
func TestResetPassesThrough(t *testing.T) {
	ended := make(chan struct{})
	r := newRig(t, config(listen(t, func(c *net.TCPConn) {
		io.Copy(io.Discard, c) //nolint:errcheck // either end will do
		close(ended)
	})), func(o *channel.Options) { o.Answered, o.Unanswered = time.Hour, time.Hour })
	conn := r.connect()
	if _, err := conn.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := r.s.Await(ctx, func(st gateway.Status) bool { return st.Streams == 1 }); err != nil {
		t.Fatal(err)
	}
	conn.SetLinger(0) //nolint:errcheck // the test sees it
	conn.Close()
	select {
	case <-ended:
	case <-time.After(patience):
		t.Error("the far connection is still open")
	}
}

// The far side's close reaches the local one, after everything it sent.
func TestRemoteClose(t *testing.T) {
	want := noise(1, 200000)
	r := newRig(t, config(listen(t, func(c *net.TCPConn) {
		c.Write(want)          //nolint:errcheck // the test sees what is missing
		c.CloseWrite()         //nolint:errcheck // likewise
		io.Copy(io.Discard, c) //nolint:errcheck // closing earlier would reset it
	})), nil)
	conn := r.connect()
	conn.SetDeadline(time.Now().Add(patience)) //nolint:errcheck // the read fails then
	go conn.Write(noise(2, 1<<20))             //nolint:errcheck // whatever of it arrives
	got, err := io.ReadAll(conn)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes of %d, %v", len(got), len(want), err)
	}
}

// A local end that has closed for good does not hold the far side for ever.
func TestHalfCloseIsBounded(t *testing.T) {
	ended := make(chan struct{})
	r := newRig(t, config(listen(t, func(c *net.TCPConn) {
		defer close(ended)
		echoes(c)
	})), func(o *channel.Options) {
		o.Answered, o.Unanswered = 50*time.Millisecond, time.Hour
	})
	conn := r.connect()
	if err := roundTrip(conn, 1, 1000); err != nil {
		t.Fatal(err)
	}
	conn.CloseWrite() //nolint:errcheck // the test sees it
	select {
	case <-ended:
	case <-time.After(patience):
		t.Error("the far connection is still open")
	}
}

// A server that answers only after the EOF, which no session can pass on, gives no
// empty answer: the connection is reset, and one event says why.
func TestUnansweredIsReset(t *testing.T) {
	r := newRig(t, config(listen(t, func(c *net.TCPConn) {
		io.Copy(io.Discard, c)        //nolint:errcheck // either end will do
		io.WriteString(c, "too late") //nolint:errcheck // it is not expected to arrive
	})), func(o *channel.Options) { o.Unanswered = 50 * time.Millisecond })
	for range 2 {
		conn := r.connect()
		conn.SetDeadline(time.Now().Add(patience)) //nolint:errcheck // the read fails then
		if _, err := conn.Write([]byte("ask")); err != nil {
			t.Fatal(err)
		}
		conn.CloseWrite() //nolint:errcheck // seen in the answer
		if got, err := io.ReadAll(conn); len(got) > 0 || !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("%q, %v", got, err)
		}
	}
	if n := r.seen(channel.Unanswered); n != 1 {
		t.Errorf("said %d times, want once", n)
	}
}

// floods sends without end.
func floods(c *net.TCPConn) {
	b := make([]byte, 64<<10)
	for {
		if _, err := c.Write(b); err != nil {
			return
		}
	}
}

// greedy floods connections that ask with 'f', and echoes the others.
func greedy(c *net.TCPConn) {
	b := make([]byte, 1)
	if _, err := io.ReadFull(c, b); err != nil {
		return
	}
	if b[0] == 'f' {
		floods(c)
	}
	echoes(c)
}

// One connection of many does not read: it is reset when the buffer is used up,
// the others never wait for it, and memory stays bounded.
func TestOneDoesNotRead(t *testing.T) {
	r := newRig(t, config(listen(t, greedy)), func(o *channel.Options) {
		o.Buffer, o.Stall = 8<<20, 200*time.Millisecond
	})
	idle := r.connect()
	idle.SetReadBuffer(4096) //nolint:errcheck // only makes it quicker
	if _, err := idle.Write([]byte("f")); err != nil {
		t.Fatal(err)
	}
	var g errgroup.Group
	for i := range 20 {
		g.Go(func() error {
			conn := r.connect()
			defer conn.Close()
			if _, err := conn.Write([]byte("e")); err != nil {
				return err
			}
			for round := range 20 {
				if err := roundTrip(conn, uint64(100*i+round), 3000); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatalf("%v; stats %+v", err, r.c.Stats())
	}
	for limit := time.Now().Add(patience); r.seen(channel.Dropped) == 0 && time.Now().Before(limit); {
		conn := r.connect() // somebody who wants something
		if _, err := conn.Write([]byte("e")); err != nil {
			t.Fatal(err)
		}
		if err := roundTrip(conn, 1, 1000); err != nil {
			t.Fatal(err)
		}
		conn.Close()
	}
	if s := r.c.Stats(); r.seen(channel.Dropped) != 1 || s.Buffered > 9<<20 {
		t.Errorf("dropped %d, stats %+v", r.seen(channel.Dropped), s)
	}
}

// The only connection is never reset: its far side waits until it reads on.
func TestOnlyConnectionIsSlow(t *testing.T) {
	want := noise(3, 12<<20)
	r := newRig(t, config(listen(t, func(c *net.TCPConn) {
		c.Write(want) //nolint:errcheck // the test sees what is missing
	})), func(o *channel.Options) {
		o.Buffer, o.Stall = 1<<20, 50*time.Millisecond
		o.PingEvery, o.Silence = 50*time.Millisecond, 300*time.Millisecond
	})
	conn := r.connect()
	conn.SetDeadline(time.Now().Add(patience)) //nolint:errcheck // the read fails then
	first := make([]byte, 1000)
	if _, err := io.ReadFull(conn, first); err != nil {
		t.Fatal(err)
	}
	<-time.After(time.Second) // longer than Stall and Silence: that it does not read is what is tested
	if s := r.c.Stats(); s.Buffered > 2<<20 || s.Dropped != 0 {
		t.Errorf("stats %+v", s)
	}
	rest, err := io.ReadAll(conn)
	if err != nil || !bytes.Equal(append(first, rest...), want) {
		t.Errorf("%d bytes of %d, %v; stats %+v", 1000+len(rest), len(want), err, r.c.Stats())
	}
}
