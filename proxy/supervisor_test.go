package proxy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

var errRefused = errors.New("refused")

// script is an Opener and a Plugin that do what each step says.
type script struct {
	steps []step
	n     int
	open  []string // sessions that were opened and not terminated
}

type step struct {
	openErr error
	ready   bool
	lasts   time.Duration
	end     error
}

func (s *script) Open(context.Context) (*Session, error) {
	st := s.steps[min(s.n, len(s.steps)-1)]
	s.n++
	if st.openErr != nil {
		return nil, st.openErr
	}
	id := fmt.Sprintf("s-%d", s.n)
	s.open = append(s.open, id)
	return &Session{ID: id}, nil
}

func (s *script) Terminate(ctx context.Context, id string) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	s.open = slices.DeleteFunc(s.open, func(o string) bool { return o == id })
	return nil
}

func (s *script) Run(ctx context.Context, _ *Session, _ Streams, ready func()) error {
	st := s.steps[min(s.n-1, len(s.steps)-1)]
	if st.ready {
		ready()
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(st.lasts):
		return st.end
	}
}

func supervise(t *testing.T, limit time.Duration, steps ...step) (events []string, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		sc := &script{steps: steps}
		s := &Supervisor{
			Opener: sc, Plugin: sc,
			Backoff: Backoff{Min: time.Second, Max: 4 * time.Second, Random: func() float64 { return 0 }},
			OnEvent: func(e Event) {
				line := e.State.String()
				switch e.State {
				case Ready:
					line += " " + e.Session + " " + e.Listen
				case Waiting:
					line += " " + e.Pause.String() + ": " + e.Err.Error()
				case Lost, GaveUp:
					line += ": " + e.Err.Error()
				}
				events = append(events, line)
			},
			Final: func(err error) bool { return errors.Is(err, errRefused) },
		}
		err = s.Run(ctx, Tunnel{Name: "db", Listen: "127.0.0.1:1"}, Streams{})
		if len(sc.open) > 0 {
			t.Errorf("sessions left open: %v", sc.open)
		}
	})
	return events, err
}

func TestSupervisorReplacesALostSession(t *testing.T) {
	got, err := supervise(t, time.Minute,
		step{ready: true, lasts: 10 * time.Second, end: errors.New("cut")},
		step{ready: true, lasts: 10 * time.Second},
		step{ready: true, lasts: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"idle", "opening", "ready s-1 127.0.0.1:1", "lost: cut", "waiting 1s: cut",
		"opening", "ready s-2 127.0.0.1:1", "lost: " + ErrEnded.Error(), "waiting 1s: " + ErrEnded.Error(),
		"opening", "ready s-3 127.0.0.1:1", "stopped"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestSupervisorBacksOff(t *testing.T) {
	down := errors.New("no route")
	got, err := supervise(t, 13*time.Second, step{openErr: down})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"idle",
		"opening", "waiting 1s: no route", "opening", "waiting 2s: no route", "opening", "waiting 4s: no route",
		"opening", "waiting 4s: no route", "opening", "waiting 4s: no route", "stopped"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// A loss is one event, however many attempts it takes to recover.
func TestSupervisorTellsOfALossOnce(t *testing.T) {
	down := errors.New("no route")
	got, err := supervise(t, time.Minute,
		step{ready: true, lasts: 10 * time.Second, end: errors.New("cut")},
		step{openErr: down}, step{openErr: down}, step{ready: true, lasts: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"idle", "opening", "ready s-1 127.0.0.1:1", "lost: cut", "waiting 1s: cut",
		"opening", "waiting 2s: no route", "opening", "waiting 4s: no route", "opening", "ready s-4 127.0.0.1:1", "stopped"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// Sessions that end as soon as they are ready are not started in a row.
func TestSupervisorBacksOffFromShortSessions(t *testing.T) {
	got, err := supervise(t, 8*time.Second, step{ready: true, lasts: time.Second, end: errors.New("cut")})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"idle",
		"opening", "ready s-1 127.0.0.1:1", "lost: cut", "waiting 1s: cut",
		"opening", "ready s-2 127.0.0.1:1", "lost: cut", "waiting 2s: cut",
		"opening", "ready s-3 127.0.0.1:1", "lost: cut", "waiting 4s: cut", "stopped"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// Patience ends with the last cause, on time; it is about the first Ready only.
func TestSupervisorPatience(t *testing.T) {
	down := errors.New("no route")
	for _, test := range []struct {
		steps []step
		gone  bool
	}{
		{[]step{{openErr: down}}, true},
		{[]step{{lasts: time.Second, end: down}}, true},
		{[]step{{openErr: down}, {ready: true, lasts: time.Second, end: down}, {openErr: down}}, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			sc := &script{steps: test.steps}
			var within []time.Duration
			s := &Supervisor{Opener: sc, Plugin: sc, Backoff: Backoff{Min: time.Second, Max: 30 * time.Second}, Patience: 10 * time.Second,
				OnEvent: func(e Event) {
					if e.State == Waiting {
						within = append(within, e.Within)
					}
				}}
			began := time.Now()
			err := s.Run(ctx, Tunnel{Name: "db"}, Streams{})
			var over *PatienceError
			if errors.As(err, &over) != test.gone || test.gone && (over.After != s.Patience || !errors.Is(err, down)) {
				t.Errorf("%+v: %v", test.steps, err)
			}
			if first, last := within[0], within[len(within)-1]; first <= 0 || first > s.Patience || (last == 0) == test.gone {
				t.Errorf("%+v: within %v", test.steps, within)
			}
			if took := time.Since(began); test.gone && (took < s.Patience || took > s.Patience+2*time.Second) {
				t.Errorf("%+v: gave up after %v", test.steps, took)
			}
		})
	}
}

func TestSupervisorGivesUpOnRefusal(t *testing.T) {
	got, err := supervise(t, time.Minute,
		step{ready: true, lasts: time.Second, end: errors.New("cut")}, step{openErr: errRefused})
	if !errors.Is(err, errRefused) {
		t.Errorf("got %v, want the refusal", err)
	}
	if last := got[len(got)-1]; last != "gaveup: refused" {
		t.Errorf("last event %q", last)
	}
}

func TestSupervisorStopsWhileOpening(t *testing.T) {
	got, err := supervise(t, 5*time.Second, step{lasts: time.Hour})
	if err != nil || got[len(got)-1] != "stopped" {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestBackoffStaysInBounds(t *testing.T) {
	for failed := range 40 {
		for _, b := range []Backoff{{}, {Min: time.Second, Max: time.Minute}, {Min: time.Minute, Max: time.Second}} {
			lo, hi := b.Min, max(b.Max, b.Min)
			if b.Min == 0 {
				lo, hi = DefaultBackoff.Min, DefaultBackoff.Max
			}
			if d := b.Pause(failed); d < lo*3/4 || d > hi {
				t.Errorf("%v after %d attempts: %v", b, failed, d)
			}
		}
	}
}

// stubborn is a Terminator that does not answer.
type stubborn struct{ asked int }

func (s *stubborn) Terminate(ctx context.Context, _ string) error {
	s.asked++
	<-ctx.Done()
	return ctx.Err()
}

// A session is ended when its context is over, too, and its end is not waited for
// without bound.
func TestEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		began, s := time.Now(), new(stubborn)
		err := End(ctx, s, "s-1")
		var left *LeftRunningError
		if !errors.As(err, &left) || left.ID != "s-1" || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		if took := time.Since(began); s.asked != 1 || took != endTimeout {
			t.Errorf("asked %d times, for %v", s.asked, took)
		}
		if err := End(ctx, &script{}, "s-1"); err != nil {
			t.Error(err)
		}
	})
}

// A session is opened when it is wanted, one that nobody used ends without an attempt that
// failed, and time without a session does not count as patience.
func TestSupervisorWaitsUntilASessionIsWanted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		down := errors.New("no route")
		sc := &script{steps: []step{
			{openErr: down}, {ready: true, lasts: time.Minute, end: ErrIdle}, {ready: true, lasts: time.Minute, end: errors.New("cut")},
			{ready: true, lasts: time.Hour}}}
		began := time.Now()
		var events []string
		wants := []time.Duration{10 * time.Minute, 0, 20 * time.Minute, 10 * time.Minute}
		s := &Supervisor{
			Opener: sc, Plugin: sc, Patience: 2 * time.Second,
			Backoff: Backoff{Min: time.Second, Max: 4 * time.Second, Random: func() float64 { return 0 }},
			OnEvent: func(e Event) {
				events = append(events, fmt.Sprintf("%v %v %d%s", time.Since(began), e.State, e.Attempt, map[bool]string{true: " on " + e.Listen}[e.Listens()]))
			},
			Wanted: func() <-chan struct{} {
				wanted := make(chan struct{})
				after := wants[0]
				wants = wants[1:]
				if after == 0 {
					close(wanted)
				} else {
					time.AfterFunc(after, func() { close(wanted) })
				}
				return wanted
			},
		}
		if err := s.Run(ctx, Tunnel{Name: "db", Listen: "127.0.0.1:1"}, Streams{}); err != nil {
			t.Fatal(err)
		}
		want := []string{
			"0s idle 0 on 127.0.0.1:1", "10m0s opening 1", "10m0s waiting 1", "10m1s opening 2", "10m1s ready 0 on 127.0.0.1:1",
			"11m1s idle 0 on 127.0.0.1:1", "31m1s opening 1", "31m1s ready 0 on 127.0.0.1:1",
			"32m1s lost 1", "32m1s waiting 1", "32m2s idle 0 on 127.0.0.1:1", "42m2s opening 2", "42m2s ready 0 on 127.0.0.1:1", "1h0m0s stopped 0",
		}
		if diff := cmp.Diff(want, events); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		if len(sc.open) > 0 {
			t.Errorf("sessions left open: %v", sc.open)
		}
	})
}
