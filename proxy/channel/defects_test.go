package channel_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"ssmguard/internal/sandbox/gateway"
	"ssmguard/proxy"
	"ssmguard/proxy/channel"
	"ssmguard/proxy/channel/wire"
)

// TestPluginDefects has one test for each known defect of the official plugin,
// in the manner in which the plugin fails. Two are a matter of time, and have it in
// bubbles of their own: 9, a pause after every read (TestUploadMakesNoPauses), and
// 10, needless resends (TestStandstillIsNoLoss).
func TestPluginDefects(t *testing.T) {
	for _, d := range []struct {
		name string
		test func(*testing.T)
	}{
		{"1 a lone LF becomes CR", loneNewline},
		{"2 an upload dies at a cut", cutUpload},
		{"3 a reset repeats downloaded bytes", resetDownload},
		{"4 a lost acknowledgement and a lost message deadlock", lostAcknowledgement},
		{"5 half-close loses the answer", halfClose},
		{"6 one connection blocks all", blockedConnection},
		{"7 failures hang without a word", endsWithAWord},
		{"8 the far session is left running", farSessionEnds},
		{"11 concurrent senders share a number", concurrentSenders},
		{"12 a message right after the handshake is lost", rightAfterHandshake},
		{"13 uploads hang under load", uploadsUnderLoad},
	} {
		t.Run(d.name, d.test)
	}
}

func loneNewline(t *testing.T) {
	for _, version := range []string{"3.3.0.0", old} {
		c := config(listen(t, echoes))
		c.AgentVersion = version
		conn := newRig(t, c, nil).connect()
		conn.SetDeadline(time.Now().Add(patience)) //nolint:errcheck // the read fails then
		for _, n := range []int{1, 1017, 1017 + 1024, 1528, 1529, 1536} {
			want := append(bytes.Repeat([]byte{'x'}, n-1), '\n')
			if _, err := conn.Write(want); err != nil {
				t.Fatal(err)
			}
			got := make([]byte, n)
			if _, err := io.ReadFull(conn, got); err != nil || !bytes.Equal(got, want) {
				t.Errorf("agent %s, %d bytes: last %q, %v", version, n, got[n-1], err)
			}
		}
	}
}

func cutUpload(t *testing.T) {
	for _, how := range []gateway.Action{gateway.CutRST, gateway.CutFIN, gateway.CutFrame} {
		for _, version := range []string{"3.3.0.0", old} {
			c := config(listen(t, echoes))
			c.AgentVersion = version
			c.Faults = every(gateway.Up, 40, how, 2)
			r := newRig(t, c, nil)
			if err := roundTrip(r.connect(), 1, 200000); err != nil {
				t.Errorf("cut %d, agent %s: %v", how, version, err)
			}
			if n := r.c.Stats().Resumed; n != 2 {
				t.Errorf("cut %d, agent %s: resumed %d times", how, version, n)
			}
		}
	}
}

func resetDownload(t *testing.T) {
	want := noise(5, 300000)
	for _, version := range []string{"3.3.0.0", old} {
		c := config(listen(t, func(c *net.TCPConn) {
			c.Write(want)          //nolint:errcheck // the test sees what is missing
			io.Copy(io.Discard, c) //nolint:errcheck // until the client goes
		}))
		c.AgentVersion = version
		c.Unpaced = false
		c.Faults = every(gateway.Down, 50, gateway.CutRST, 4)
		conn := newRig(t, c, nil).connect()
		conn.SetDeadline(time.Now().Add(patience)) //nolint:errcheck // the read fails then
		got := make([]byte, len(want))
		if _, err := io.ReadFull(conn, got); err != nil || !bytes.Equal(got, want) {
			t.Errorf("agent %s: changed, %v", version, err)
		}
	}
}

func lostAcknowledgement(t *testing.T) {
	c := config(listen(t, echoes))
	c.Faults.Rules = []gateway.Rule{
		{Way: gateway.Up, Message: wire.Acknowledge, At: 20, Do: gateway.Drop},
		{Way: gateway.Down, Message: wire.OutputStreamData, At: 60, Do: gateway.Drop},
	}
	if err := roundTrip(newRig(t, c, nil).connect(), 1, 200000); err != nil {
		t.Error(err)
	}
}

func halfClose(t *testing.T) {
	conn := newRig(t, config(listen(t, func(c *net.TCPConn) {
		io.CopyN(io.Discard, c, 5)   //nolint:errcheck // the test sees what is missing
		c.Write([]byte("an answer")) //nolint:errcheck // likewise
	})), nil).connect()
	conn.SetDeadline(time.Now().Add(patience)) //nolint:errcheck // the read fails then
	conn.Write([]byte("query"))                //nolint:errcheck // the answer tells
	conn.CloseWrite()                          //nolint:errcheck // likewise
	if got, err := io.ReadAll(conn); err != nil || string(got) != "an answer" {
		t.Errorf("%q, %v", got, err)
	}
}

func blockedConnection(t *testing.T) {
	r := newRig(t, config(listen(t, greedy)), nil)
	idle := r.connect()
	idle.SetReadBuffer(4096)                                                                           //nolint:errcheck // only makes it quicker
	idle.Write([]byte("f"))                                                                            //nolint:errcheck // the others tell
	for limit := time.Now().Add(patience); r.c.Stats().Buffered < 8<<20 && time.Now().Before(limit); { // twice the plugin's window
		<-time.After(5 * time.Millisecond)
	}
	conn := r.connect()
	conn.Write([]byte("e")) //nolint:errcheck // the round trip tells
	if err := roundTrip(conn, 1, 10000); err != nil {
		t.Errorf("%v; stats %+v", err, r.c.Stats())
	}
}

func endsWithAWord(t *testing.T) {
	r := newRig(t, config(listen(t, echoes)), func(o *channel.Options) {
		o.Resume = func(context.Context, string) (a, b proxy.Secret, err error) {
			return a, b, channel.ErrSessionGone
		}
	})
	conn := r.connect()
	if err := roundTrip(conn, 1, 10); err != nil {
		t.Fatal(err)
	}
	r.s.Cut(gateway.CutRST)
	err := <-r.forward
	r.forward <- err
	if !errors.Is(err, channel.ErrSessionGone) {
		t.Errorf("a failed resumption: %v", err)
	}
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("the local connection lives on")
	}
	session, err := r.g.Start(t.Context(), config(listen(t, echoes)))
	if err != nil {
		t.Fatal(err)
	}
	s, _ := r.g.Session(session.ID)
	s.RefuseConnects(1)
	if _, err := channel.Dial(t.Context(), channel.Options{Session: session}); !errors.Is(err, channel.ErrRefused) {
		t.Errorf("a refused websocket: %v", err)
	}
}

func farSessionEnds(t *testing.T) {
	r := &rig{t: t, g: serve(t)}
	ctx, cancel := context.WithCancel(t.Context())
	session, err := r.g.Start(ctx, config(listen(t, echoes)))
	if err != nil {
		t.Fatal(err)
	}
	c, err := channel.Dial(ctx, channel.Options{Session: session, Resume: resume(r.g)})
	if err != nil {
		t.Fatal(err)
	}
	cancel() // as on SIGTERM or SIGHUP
	<-c.Done()
	s, _ := r.g.Session(session.ID)
	select {
	case <-s.Done():
	case <-time.After(patience):
		t.Errorf("%+v", s.Status())
	}
}

func concurrentSenders(t *testing.T) {
	r := newRig(t, config(listen(t, echoes)), nil)
	var g errgroup.Group
	for i := range 50 {
		conn := r.connect()
		g.Go(func() error { return roundTrip(conn, uint64(i), 20000) })
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
}

func rightAfterHandshake(t *testing.T) {
	for range 10 {
		c := config(listen(t, func(c *net.TCPConn) {
			c.Write([]byte("greeting")) //nolint:errcheck // the test sees it
			echoes(c)
		}))
		c.AgentVersion = old // it dials at once
		conn := newRig(t, c, nil).connect()
		conn.SetDeadline(time.Now().Add(patience)) //nolint:errcheck // the read fails then
		got := make([]byte, 8)
		if _, err := io.ReadFull(conn, got); err != nil || string(got) != "greeting" {
			t.Fatalf("%q, %v", got, err)
		}
		if err := roundTrip(conn, 1, 10); err != nil {
			t.Fatalf("sent right after: %v", err)
		}
	}
}

func uploadsUnderLoad(t *testing.T) {
	busy, stop := context.WithCancel(t.Context())
	defer stop()
	for range 4 {
		go func() {
			for busy.Err() == nil {
				noise(1, 1<<16)
			}
		}()
	}
	for i := range 5 {
		r := newRig(t, config(listen(t, echoes)), nil)
		if err := roundTrip(r.connect(), uint64(i), 1<<20); err != nil {
			t.Fatalf("%d: %v; stats %+v", i, err, r.c.Stats())
		}
	}
}
