package channel_test

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"ssmguard/internal/sandbox/gateway"
	"ssmguard/proxy"
	"ssmguard/proxy/channel"
)

// TestCutAtEveryMoment cuts the connection at each of the first messages, both
// ways, handshake included, in every manner.
func TestCutAtEveryMoment(t *testing.T) {
	for how, action := range map[string]gateway.Action{
		"RST": gateway.CutRST, "FIN": gateway.CutFIN, "frame": gateway.CutFrame, "stall": gateway.Stall, "drop": gateway.Drop,
	} {
		for _, way := range []gateway.Way{gateway.Up, gateway.Down} {
			t.Run(how+map[gateway.Way]string{gateway.Up: " up", gateway.Down: " down"}[way], func(t *testing.T) {
				t.Parallel()
				for at := 1; at <= 8; at++ {
					c := config(listen(t, echoes))
					c.Faults.Rules = []gateway.Rule{{Way: way, At: at, Do: action}}
					r := newRig(t, c, func(o *channel.Options) {
						o.PingEvery, o.Silence = 100*time.Millisecond, 500*time.Millisecond
					})
					if err := roundTrip(r.connect(), uint64(at), 5000); err != nil {
						t.Errorf("message %d: %v", at, err)
					}
				}
			})
		}
	}
}

// TestCloseAtEveryMoment has the service close the session: Dial or Forward says so.
func TestCloseAtEveryMoment(t *testing.T) {
	for _, way := range []gateway.Way{gateway.Up, gateway.Down} {
		for at := 1; at <= 6; at++ {
			r := &rig{t: t, g: serve(t)}
			c := config(listen(t, echoes))
			c.Faults.Rules = []gateway.Rule{{Way: way, At: at, Do: gateway.Close}}
			ch, err := r.dial(c, nil)
			if err == nil {
				l, lerr := net.Listen("tcp", "127.0.0.1:0")
				if lerr != nil {
					t.Fatal(lerr)
				}
				in := channel.NewInlet(l)
				conn, cerr := net.Dial("tcp", l.Addr().String())
				if cerr != nil {
					t.Fatal(cerr)
				}
				go io.Copy(conn, conn)      //nolint:errcheck // ends with the connection
				conn.Write([]byte("hello")) //nolint:errcheck // the session may be over
				err = ch.Forward(t.Context(), in, channel.ForwardOptions{})
				conn.Close()
				in.Close()
			}
			if !errors.Is(err, channel.ErrSessionGone) {
				t.Errorf("way %d, message %d: %v, want ErrSessionGone", way, at, err)
			}
			if ch != nil {
				ch.Close()
			}
		}
	}
}

func TestResumeRefusedForAWhile(t *testing.T) {
	r := newRig(t, config(listen(t, echoes)), func(o *channel.Options) {
		o.Backoff = proxy.Backoff{Min: 5 * time.Millisecond, Max: 20 * time.Millisecond}
	})
	conn := r.connect()
	if err := roundTrip(conn, 1, 1000); err != nil {
		t.Fatal(err)
	}
	r.s.RefuseResumes(3)
	r.s.RefuseConnects(2)
	r.s.Cut(gateway.CutRST)
	if err := roundTrip(conn, 2, 100000); err != nil {
		t.Fatal(err)
	}
	if r.c.Stats().Resumed != 1 || r.seen(channel.Lost) != 1 || r.seen(channel.Resumed) != 1 {
		t.Errorf("stats %+v, events %+v", r.c.Stats(), r.events)
	}
}

// TestResumeRefusedForGood: a refusal that a further attempt cannot mend ends the
// channel, with the cause, and the local connections.
func TestResumeRefusedForGood(t *testing.T) {
	denied := errors.New("AccessDenied")
	r := newRig(t, config(listen(t, echoes)), func(o *channel.Options) {
		o.Resume = func(context.Context, string) (a, b proxy.Secret, err error) {
			return a, b, errors.Join(channel.ErrRefused, denied)
		}
	})
	conn := r.connect()
	if err := roundTrip(conn, 1, 1000); err != nil {
		t.Fatal(err)
	}
	r.s.Cut(gateway.CutFIN)
	err := <-r.forward
	r.forward <- err
	if !errors.Is(err, channel.ErrRefused) || !errors.Is(err, denied) || !errors.Is(r.c.Err(), channel.ErrRefused) {
		t.Errorf("Forward %v, Err %v", err, r.c.Err())
	}
	if n, err := conn.Read(make([]byte, 1)); err == nil || err == io.EOF {
		t.Errorf("read %d bytes, %v; the connection was incomplete and must be reset", n, err)
	}
}

func TestSessionGoneWhileAway(t *testing.T) {
	for name, empty := range map[string]bool{"error": false, "empty token": true} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, config(listen(t, echoes)), func(o *channel.Options) {
				if empty {
					o.Resume = func(context.Context, string) (a, b proxy.Secret, err error) { return a, b, nil }
				}
			})
			r.s.Cut(gateway.CutRST)
			r.s.Finish("")
			err := <-r.forward
			r.forward <- err
			if !errors.Is(err, channel.ErrSessionGone) {
				t.Errorf("%v, want ErrSessionGone", err)
			}
		})
	}
}

// TestExpiredToken: the gateway does not take a token that was void when it
// arrived; the next attempt brings a new one.
func TestExpiredToken(t *testing.T) {
	expire := 2
	r := newRig(t, config(listen(t, echoes)), nil)
	inner := resume(r.g)
	r2, err := r.dial(config(listen(t, echoes)), func(o *channel.Options) {
		o.Backoff = proxy.Backoff{Min: 5 * time.Millisecond, Max: 20 * time.Millisecond}
		o.Resume = func(ctx context.Context, id string) (a, b proxy.Secret, err error) {
			a, b, err = inner(ctx, id)
			if s, _ := r.g.Session(id); expire > 0 {
				expire--
				s.ExpireToken()
			}
			return a, b, err
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer r2.Close()
	r.s.Cut(gateway.CutFIN)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := r.s.Await(ctx, func(st gateway.Status) bool { return len(st.Connects) == 2 }); err != nil {
		t.Fatalf("%v: %+v", err, r.s.Status())
	}
	if st := r.s.Status(); st.Refused != 2 {
		t.Errorf("%d refused, want 2", st.Refused)
	}
}

func TestRefusedAtOnce(t *testing.T) {
	r := &rig{t: t, g: serve(t)}
	c := config(listen(t, echoes))
	session, err := r.g.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	s, _ := r.g.Session(session.ID)
	s.RefuseConnects(1) // a second attempt would succeed
	_, err = channel.Dial(t.Context(), channel.Options{Session: session})
	var status *channel.StatusError
	if !errors.Is(err, channel.ErrRefused) || !errors.As(err, &status) || status.Status != 403 {
		t.Errorf("%v, want a refusal with status 403", err)
	}
}

// TestClosedByIdleTimeout: the gateway's words reach the caller.
func TestClosedByIdleTimeout(t *testing.T) {
	r := newRig(t, config(listen(t, echoes)), nil)
	r.s.Finish("Your session timed out due to inactivity.")
	err := <-r.forward
	r.forward <- err
	var closed *channel.ClosedError
	if !errors.As(err, &closed) || closed.Output != "Your session timed out due to inactivity." {
		t.Errorf("%v", err)
	}
}

// TestNothingLeft: closing tells the agent, which leaves no connection and no session.
func TestNothingLeft(t *testing.T) {
	r := newRig(t, config(listen(t, echoes)), nil)
	if err := roundTrip(r.connect(), 1, 1000); err != nil {
		t.Fatal(err)
	}
	r.cancel()
	r.c.Close()
	select {
	case <-r.s.Done():
	case <-time.After(patience):
		t.Fatal("the agent was not told")
	}
	if st := r.s.Status(); st.Reason != "terminated by flag" || st.Streams != 0 {
		t.Errorf("status %+v", st)
	}
}
