package channel

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/xtaci/smux"

	"ssmguard/proxy/channel/wire"
)

// tcpInlet listens on loopback.
func tcpInlet(t *testing.T) *Inlet {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	in := NewInlet(l)
	t.Cleanup(func() { in.Close() })
	return in
}

func dialInlet(t *testing.T, in *Inlet) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", in.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn.(*net.TCPConn)
}

// forwarding runs Forward until the test ends.
func forwarding(t *testing.T, c *Channel, in *Inlet) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Forward(ctx, in, ForwardOptions{}) }()
	t.Cleanup(func() {
		cancel()
		// The channel's context ends with the test, too; it may be the first.
		if err := <-done; err != nil && !errors.Is(err, ErrClosed) {
			t.Errorf("Forward: %v", err)
		}
	})
}

// muxAgent opens a multiplexed session whose far end serves every stream with handle,
// on the library that agents use.
func muxAgent(t *testing.T, opt func(*Options), handle func(*smux.Stream)) (*Inlet, *Channel, *steadyAgent) {
	t.Helper()
	s := newScripted(t)
	o := s.options()
	if opt != nil {
		opt(&o)
	}
	c, p := dialed(t, s, o, request(newAgent, Port, portProps))
	a := play(t, s, p)
	config := smux.DefaultConfig()
	config.KeepAliveDisabled = true
	session, err := smux.Server(a, config)
	if err != nil {
		t.Fatal(err)
	}
	a.wg.Go(func() {
		for {
			stream, err := session.AcceptStream()
			if err != nil {
				return
			}
			a.wg.Go(func() { handle(stream) })
		}
	})
	t.Cleanup(func() { session.Close(); a.stop() })
	in := tcpInlet(t)
	forwarding(t, c, in)
	return in, c, a
}

func echo(s *smux.Stream) {
	defer s.Close()
	io.Copy(s, s) //nolint:errcheck // ends with the session
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(n)})
	r.Read(b) //nolint:errcheck // never fails
	return b
}

func TestForwardEcho(t *testing.T) {
	in, c, _ := muxAgent(t, nil, echo)
	want := randomBytes(4 << 20)
	conn := dialInlet(t, in)
	go conn.Write(want) //nolint:errcheck // the reader notices
	got := make([]byte, len(want))
	if _, err := io.ReadFull(conn, got); err != nil {
		t.Fatal(err)
	}
	if sha256.Sum256(got) != sha256.Sum256(want) {
		t.Error("bytes changed")
	}
	if s := c.Stats(); s.Down < int64(len(want)) || s.Open != 1 {
		t.Errorf("stats %+v", s)
	}
}

// The plugin turns a lone LF into CR, and so every write of 1017+1024k bytes that ends in one.
func TestForwardLoneNewline(t *testing.T) {
	in, _, _ := muxAgent(t, nil, echo)
	conn := dialInlet(t, in)
	for _, n := range []int{1, 1016, 1017, 1017 + 1024, 1528, 1529} {
		want := append(bytes.Repeat([]byte("x"), n-1), '\n')
		if _, err := conn.Write(want); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, n)
		if _, err := io.ReadFull(conn, got); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%d bytes came back changed: last %q", n, got[n-1])
		}
	}
}

// The plugin closes both ways at the local EOF; the answer is lost.
func TestForwardHalfClose(t *testing.T) {
	in, _, _ := muxAgent(t, nil, func(s *smux.Stream) {
		defer s.Close()
		request := make([]byte, 5)
		if _, err := io.ReadFull(s, request); err != nil {
			return
		}
		s.Write([]byte("answer to " + string(request))) //nolint:errcheck // the reader notices
	})
	conn := dialInlet(t, in)
	if _, err := conn.Write([]byte("query")); err != nil {
		t.Fatal(err)
	}
	if err := conn.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	conn.SetReadDeadline(time.Now().Add(20 * time.Second)) //nolint:errcheck // the read fails then
	got, err := io.ReadAll(conn)
	if err != nil || string(got) != "answer to query" {
		t.Errorf("%q, %v", got, err)
	}
}

// Agents of the time between want to see the multiplexer's keepalive, later ones
// must not: it would keep an idle session from its timeout.
func TestKeepalive(t *testing.T) {
	for version, want := range map[string]bool{"3.0.196.1": true, "3.1.1511.0": true, "3.1.1511.1": false, newAgent: false} {
		t.Run(version, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScripted(t)
				c, p := dialed(t, s, s.options(), request(version, Port, portProps))
				if !c.Info().Multiplexed {
					t.Error("not multiplexed")
				}
				in := NewInlet(newVnet())
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error, 1)
				go func() { done <- c.Forward(ctx, in, ForwardOptions{}) }()
				if !want {
					p.none(wire.InputStreamData, 5*time.Minute)
				}
				for range 3 {
					if !want {
						break
					}
					begin := time.Now()
					f := p.next(wire.InputStreamData)
					p.ack(f)
					if !bytes.Equal(f.Payload, []byte{muxVersion, muxNop, 0, 0, 0, 0, 0, 0}) || time.Since(begin) > muxKeepalive+time.Second {
						t.Errorf("%x after %v", f.Payload, time.Since(begin))
					}
				}
				cancel()
				if err := <-done; err != nil {
					t.Error(err)
				}
				in.Close()
			})
		})
	}
}
