package channel

import (
	"bytes"
	"context"
	"math/rand/v2"
	"net"
	"testing"
	"testing/synctest"
	"time"

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

func randomBytes(n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(n)})
	r.Read(b) //nolint:errcheck // never fails
	return b
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
