package channel

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"ssmguard/proxy"
	"ssmguard/proxy/channel/reliable"
	"ssmguard/proxy/channel/wire"
)

// within runs f in a bubble with its own clock.
func within(t *testing.T, f func(t *testing.T, s *scripted)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, newScripted(t)) })
}

// collector is an engine that keeps what it gets.
type collector struct {
	got  bytes.Buffer
	stop bool
}

func (e *collector) output(kind wire.PayloadType, p []byte) error {
	if kind == wire.PayloadOutput {
		e.got.Write(p)
	}
	return nil
}

func (e *collector) full() bool { return e.stop }

func (e *collector) bulk() bool { return true }

func (e *collector) stats() Stats { return Stats{} }

func (e *collector) room(stop <-chan struct{}) {
	<-stop
}

func collect(t *testing.T, c *Channel) *collector {
	t.Helper()
	e := &collector{}
	if err := c.in.attach(e); err != nil {
		t.Fatal(err)
	}
	return e
}

func portChannel(t *testing.T, s *scripted) (*Channel, *peer) {
	return dialed(t, s, s.options(), request(newAgent, Port, portProps))
}

// Messages come in any order, and damaged; they are delivered in order, and all but
// the damaged ones acknowledged.
func TestReceiving(t *testing.T) {
	within(t, func(t *testing.T, s *scripted) {
		c, p := portChannel(t, s)
		e := collect(t, c)
		if p.acked() != 0 || p.acked() != 1 {
			t.Fatal("handshake not acknowledged")
		}
		p.output(4, wire.PayloadOutput, []byte("c"))
		p.output(3, wire.PayloadOutput, []byte("b"))
		if a, b := p.acked(), p.acked(); a != 4 || b != 3 {
			t.Errorf("early messages: acknowledged %d, %d", a, b)
		}
		bad := wire.Frame{Type: wire.OutputStreamData, Seq: 2, PayloadType: wire.PayloadOutput, Payload: []byte("x")}
		lines := bad.Append(nil)
		lines[wire.HeaderSize] ^= 1
		p.ws.WriteMessage(2, lines) //nolint:errcheck // the next lines notice
		p.none(wire.Acknowledge, time.Second)
		p.output(2, wire.PayloadOutput, []byte("a"))
		if n := p.acked(); n != 2 {
			t.Errorf("acknowledged %d", n)
		}
		synctest.Wait()
		if e.got.String() != "abc" {
			t.Errorf("delivered %q", e.got.String())
		}
	})
}

// A message that comes again is acknowledged again, whether it has been delivered or
// waits for its turn, and delivered once: the agent repeats its oldest message until the
// acknowledgement comes, and sends nothing else meanwhile.
func TestRepeatedMessagesAreAcknowledged(t *testing.T) {
	within(t, func(t *testing.T, s *scripted) {
		c, p := portChannel(t, s)
		e := collect(t, c)
		p.output(2, wire.PayloadOutput, []byte("a"))
		p.output(4, wire.PayloadOutput, []byte("c"))
		for _, want := range []int64{0, 1, 2, 4} {
			if n := p.acked(); n != want {
				t.Fatalf("acknowledged %d, want %d", n, want)
			}
		}
		for _, again := range []int64{0, 2, 4, 4} { // of the handshake, delivered, waiting
			p.output(again, wire.PayloadOutput, []byte("again"))
			if n := p.acked(); n != again {
				t.Errorf("repeated message %d: acknowledged %d", again, n)
			}
		}
		p.output(3, wire.PayloadOutput, []byte("b"))
		synctest.Wait()
		if e.got.String() != "abc" || c.Stats().Repeated != 4 {
			t.Errorf("delivered %q, %d repeated", e.got.String(), c.Stats().Repeated)
		}
	})
}

// What the agent sends right after HandshakeComplete is not lost while nobody is there to take it.
func TestEarlyOutputWaits(t *testing.T) {
	within(t, func(t *testing.T, s *scripted) {
		c, p := portChannel(t, s)
		for i := range 3 {
			p.output(int64(2+i), wire.PayloadOutput, []byte("greeting "))
		}
		time.Sleep(time.Minute)
		e := collect(t, c)
		p.output(5, wire.PayloadOutput, []byte("end"))
		synctest.Wait()
		if want := "greeting greeting greeting end"; e.got.String() != want {
			t.Errorf("got %q, want %q", e.got.String(), want)
		}
		if err := c.in.attach(&collector{}); err == nil {
			t.Error("two engines on one channel")
		}
	})
}

func TestDeadLinkIsNoticed(t *testing.T) {
	within(t, func(t *testing.T, s *scripted) {
		events := make(chan Event, 9)
		opt := s.options()
		opt.OnEvent = func(e Event) { events <- e }
		_, p := dialed(t, s, opt, request(newAgent, Port, portProps))
		time.Sleep(time.Minute) // pings are answered: it lives
		if len(events) > 0 {
			t.Fatalf("event %+v on a quiet connection", <-events)
		}
		p.deaf.Store(true)
		begin := time.Now()
		if e := <-events; e.Kind != Lost {
			t.Errorf("event %+v", e)
		}
		if d := time.Since(begin); d > 12*time.Second {
			t.Errorf("noticed after %v", d)
		}
		s.peer()
		if e := <-events; e.Kind != Resumed {
			t.Errorf("event %+v", e)
		}
	})
}

// A gateway that never answers pings is believed to be alive, after one try.
func TestGatewayWithoutPongs(t *testing.T) {
	within(t, func(t *testing.T, s *scripted) {
		s.deaf = true
		done := make(chan *Channel, 1)
		go func() {
			c, err := Dial(t.Context(), s.options())
			if err != nil {
				t.Error(err)
			}
			done <- c
		}()
		s.peer()
		p := s.peer() // silence: one reconnection
		p.shakeHands(request(newAgent, Port, portProps))
		c := <-done
		defer c.Close()
		time.Sleep(10 * time.Minute)
		if n := c.Stats().Resumed; n != 1 {
			t.Errorf("resumed %d times", n)
		}
		p.closed("")
		<-c.Done()
	})
}

// The machine slept: the wall clock has jumped, the monotonic one has not.
func TestSuspend(t *testing.T) {
	within(t, func(t *testing.T, s *scripted) {
		asleep := make(chan time.Duration, 1)
		var slept time.Duration
		events := make(chan Event, 9)
		opt := s.options()
		opt.OnEvent = func(e Event) { events <- e }
		opt.wall = func() time.Time {
			select {
			case d := <-asleep:
				slept += d
			default:
			}
			return time.Now().Round(0).Add(slept)
		}
		dialed(t, s, opt, request(newAgent, Port, portProps))
		asleep <- 2 * time.Second // a clock that is set is no sleep
		time.Sleep(5 * time.Second)
		asleep <- time.Hour
		begin := time.Now()
		if e := <-events; e.Kind != Lost || !errors.Is(e.Err, errSuspended) {
			t.Errorf("event %+v", e)
		}
		s.peer()
		if d := time.Since(begin); d > 2*time.Second {
			t.Errorf("back after %v", d)
		}
	})
}

func TestPausePublication(t *testing.T) {
	within(t, func(t *testing.T, s *scripted) {
		c, p := portChannel(t, s)
		time.Sleep(time.Second)
		p.send(wire.Frame{Type: wire.PausePublication})
		synctest.Wait()
		for range 20 {
			c.out.sendNow(wire.PayloadOutput, []byte("x"))
		}
		p.next(wire.InputStreamData) // the probe
		p.none(wire.InputStreamData, reliable.ProbeEvery/2)
		p.send(wire.Frame{Type: wire.StartPublication})
		for range 19 {
			p.next(wire.InputStreamData)
		}
	})
}

// An agent that was away while messages were under way may pass them on twice, and an
// event says so; a gateway that only slows us down passes acknowledgements on meanwhile.
func TestAgentBack(t *testing.T) {
	for name, away := range map[string]bool{"away": true, "held up": false} {
		t.Run(name, func(t *testing.T) {
			within(t, func(t *testing.T, s *scripted) {
				told := 0
				opt := s.options()
				opt.OnEvent = func(e Event) {
					if e.Kind == AgentBack {
						told++
					}
				}
				c, p := dialed(t, s, opt, request(newAgent, Port, portProps))
				time.Sleep(time.Second)
				c.out.sendNow(wire.PayloadOutput, []byte("x"))
				x := p.next(wire.InputStreamData)
				p.send(wire.Frame{Type: wire.PausePublication})
				if !away {
					p.ack(x)
				}
				p.send(wire.Frame{Type: wire.StartPublication})
				synctest.Wait()
				if away != (told == 1) {
					t.Errorf("said %d times", told)
				}
			})
		})
	}
}

func TestStuckAgent(t *testing.T) {
	within(t, func(t *testing.T, s *scripted) {
		c, _ := portChannel(t, s)
		c.out.sendNow(wire.PayloadOutput, []byte("x"))
		begin := time.Now()
		<-c.Done()
		if !errors.Is(c.Err(), ErrStuck) || time.Since(begin) < 5*time.Minute || time.Since(begin) > 6*time.Minute {
			t.Errorf("%v after %v", c.Err(), time.Since(begin))
		}
	})
}

// A writer is held back once what is unacknowledged fills the window, and freed
// by acknowledgements or the end of the channel.
func TestWriterIsHeldBack(t *testing.T) {
	within(t, func(t *testing.T, s *scripted) {
		opt := s.options()
		opt.Unacked = 1
		c, p := dialed(t, s, opt, request(newAgent, Port, portProps))
		sent, result := 0, make(chan error, 1)
		go func() {
			for {
				if err := c.out.send(nil, c.out.newMessage(), 10, wire.PayloadOutput); err != nil {
					result <- err
					return
				}
				sent++
			}
		}()
		time.Sleep(2 * settle)
		synctest.Wait()
		if sent != 64+reliable.Reserve {
			t.Errorf("%d messages queued without an acknowledgement", sent)
		}
		before := sent
		p.ack(p.next(wire.InputStreamData))
		synctest.Wait()
		if sent != before+1 {
			t.Errorf("%d more after one acknowledgement", sent-before)
		}
		c.Close()
		if err := <-result; !errors.Is(err, ErrClosed) {
			t.Errorf("%v", err)
		}
	})
}

// As long as local readers hold the reader up, nothing counts as lost or stuck.
func TestBlockedReaderIsPatient(t *testing.T) {
	within(t, func(t *testing.T, s *scripted) {
		c, p := portChannel(t, s)
		synctest.Wait() // the reader waits for message 2: else it is held up before that, and the pipe with it
		e := &collector{stop: true}
		if err := c.in.attach(e); err != nil {
			t.Fatal(err)
		}
		p.deaf.Store(true) // a pipe holds no pongs
		p.output(2, wire.PayloadOutput, []byte("x"))
		synctest.Wait()
		c.out.sendNow(wire.PayloadOutput, []byte("y"))
		time.Sleep(20 * time.Minute)
		if s := c.Stats(); s.Resumed != 0 || s.Resent != 0 || c.Err() != nil {
			t.Errorf("stats %+v, %v", s, c.Err())
		}
	})
}

// Tokens that the gateway keeps refusing end the channel.
func TestResumeNeverAccepted(t *testing.T) {
	within(t, func(t *testing.T, s *scripted) {
		c, p := portChannel(t, s)
		s.refuse(403)
		p.ws.Close()
		begin := time.Now()
		<-c.Done()
		if !errors.Is(c.Err(), ErrRefused) || time.Since(begin) > time.Minute {
			t.Errorf("%v after %v", c.Err(), time.Since(begin))
		}
	})
}

// An outage of any length is outlasted; ResumeFor bounds it.
func TestLongOutage(t *testing.T) {
	for name, limit := range map[string]time.Duration{"outlasted": 0, "bounded": time.Minute} {
		t.Run(name, func(t *testing.T) {
			within(t, func(t *testing.T, s *scripted) {
				var away atomic.Bool
				away.Store(true)
				opt := s.options()
				opt.ResumeFor = limit
				inner := opt.Resume
				opt.Resume = func(ctx context.Context, id string) (a, b proxy.Secret, err error) {
					if away.Load() {
						return a, b, errors.New("no route to host")
					}
					return inner(ctx, id)
				}
				c, p := dialed(t, s, opt, request(newAgent, Port, portProps))
				c.out.sendNow(wire.PayloadOutput, []byte("kept"))
				first := p.next(wire.InputStreamData)
				p.ws.Close()
				if limit > 0 {
					begin := time.Now()
					<-c.Done()
					if d := time.Since(begin); !errors.Is(c.Err(), ErrSessionGone) || d > limit+time.Second {
						t.Errorf("%v after %v", c.Err(), d)
					}
					return
				}
				time.Sleep(8 * time.Hour)
				away.Store(false)
				again := s.peer().next(wire.InputStreamData)
				again.Digest, first.Digest = [32]byte{}, [32]byte{}
				if diff := cmp.Diff(first, again); diff != "" {
					t.Errorf("resent message differs:\n%s", diff)
				}
			})
		})
	}
}

// A gateway that takes connections and drops them at once is not hammered.
func TestFlappingGateway(t *testing.T) {
	within(t, func(t *testing.T, s *scripted) {
		c, p := portChannel(t, s)
		p.ws.Close()
		begin, n := time.Now(), 0
		for time.Since(begin) < time.Minute {
			select {
			case q := <-s.peers:
				q.ws.Close()
				n++
			case <-c.Done():
				t.Fatal(c.Err())
			}
		}
		if n > 20 {
			t.Errorf("%d connections in a minute", n)
		}
	})
}

func TestCloseTellsTheAgent(t *testing.T) {
	for version, told := range map[string]bool{newAgent: true, "2.3.722.0": false, "2.3.723.0": true, "unknown": false} {
		t.Run(version, func(t *testing.T) {
			within(t, func(t *testing.T, s *scripted) {
				c, p := dialed(t, s, s.options(), request(version, Port, portProps))
				go c.Close()
				if !told {
					p.none(wire.InputStreamData, 5*time.Second)
					return
				}
				f := p.next(wire.InputStreamData)
				if flag, ok := wire.ParseFlag(f.Payload); f.PayloadType != wire.PayloadFlag || !ok || flag != wire.TerminateSession {
					t.Errorf("type %d, %v", f.PayloadType, f.Payload)
				}
				p.ack(f)
				begin := time.Now()
				<-c.Done()
				if d := time.Since(begin); d >= farewell || !errors.Is(c.Err(), ErrClosed) {
					t.Errorf("%v after %v", c.Err(), d)
				}
			})
		})
	}
}

// The end of the context is a Close, and cannot be held up by a deaf peer.
func TestContextEnds(t *testing.T) {
	within(t, func(t *testing.T, s *scripted) {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan *Channel, 1)
		go func() {
			c, err := Dial(ctx, s.options())
			if err != nil {
				t.Error(err)
			}
			done <- c
		}()
		s.peer().shakeHands(request(newAgent, Port, portProps))
		c := <-done
		cancel()
		begin := time.Now()
		<-c.Done()
		if d := time.Since(begin); d > 3*farewell || !errors.Is(c.Err(), ErrClosed) {
			t.Errorf("%v after %v", c.Err(), d)
		}
	})
}

// Whoever leaves by the escape sequence waits no longer than the agent takes to
// acknowledge what was sent.
func TestEscapeLeavesAtOnce(t *testing.T) {
	within(t, func(t *testing.T, s *scripted) {
		c, p := dialed(t, s, s.options(), request(newAgent, StandardStream, "{}"))
		left := make(chan error, 1)
		go func() {
			_, err := c.Shell(t.Context(), proxy.Streams{In: strings.NewReader("~."), Out: io.Discard}, ShellOptions{Escape: '~'})
			left <- err
		}()
		f := p.next(wire.InputStreamData)
		if flag, ok := wire.ParseFlag(f.Payload); f.PayloadType != wire.PayloadFlag || !ok || flag != wire.TerminateSession {
			t.Errorf("type %d, %q", f.PayloadType, f.Payload)
		}
		p.ack(f)
		begin := time.Now()
		if err := <-left; !errors.Is(err, ErrEscaped) {
			t.Error(err)
		}
		if d := time.Since(begin); d >= farewell {
			t.Errorf("left after %v", d)
		}
	})
}
