package channel_test

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"

	"ssmguard/internal/sandbox/gateway"
	"ssmguard/proxy/channel"
)

// Whether the remote port takes connections is known from the agent's answers: a
// server that waits for the client to speak does, a port that drops packets does not.
func TestReach(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for name, test := range map[string]struct {
		session gateway.SessionConfig
		want    error
	}{
		"waits":   {config(listen(t, echoes)), nil},
		"greets":  {config(listen(t, func(c *net.TCPConn) { c.Write([]byte("220 hello\r\n")); io.Copy(io.Discard, c) })), nil}, //nolint:errcheck // the peer may be gone
		"hangsUp": {config(listen(t, func(c *net.TCPConn) { c.Close() })), nil},
		"refuses": {closedPort(t), channel.ErrRemotePort},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, test.session, nil)
			for range 3 {
				if err := r.c.Reach(ctx); !errors.Is(err, test.want) {
					t.Errorf("got %v, want %v", err, test.want)
				}
			}
			if st := r.c.Stats(); st.Open != 0 || st.Opened != 0 {
				t.Errorf("counted as a connection: %+v", st)
			}
		})
	}
}

func TestReachSilentPort(t *testing.T) {
	dialed := make(chan struct{})
	release := make(chan struct{})
	c := config(listen(t, echoes))
	c.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
		close(dialed)
		select {
		case <-release:
		case <-ctx.Done():
		}
		return nil, errors.New("no answer")
	}
	r := newRig(t, c, nil)
	ctx, cancel := context.WithCancelCause(t.Context())
	late := errors.New("late")
	go func() { <-dialed; cancel(late) }()
	if err := r.c.Reach(ctx); !errors.Is(err, late) {
		t.Errorf("got %v, want what ended the wait", err)
	}
	close(release)
	r.c.Close()
	if err := r.c.Reach(t.Context()); !errors.Is(err, channel.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestReachOldAgent(t *testing.T) {
	r, _ := basicRig(t, config(listen(t, echoes)), 2)
	if err := r.c.Reach(t.Context()); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("got %v", err)
	}
}
