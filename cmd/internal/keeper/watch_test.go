//go:build unix

package keeper

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"ssmguard/cmd/internal/exit"
)

// one is a process with one tunnel, whose state a test sets.
type one struct {
	Changes
	mu  sync.Mutex
	now Status
}

func (o *one) Names() []string          { return []string{o.now.Tunnel} }
func (o *one) Changed() <-chan struct{} { return o.Next() }

func (o *one) Statuses() []Status {
	o.mu.Lock()
	defer o.mu.Unlock()
	return []Status{o.now}
}

func (o *one) set(change func(*Status)) {
	o.mu.Lock()
	change(&o.now)
	o.mu.Unlock()
	o.Signal()
}

// kept runs a process of a registry until its keep returns; the function waits for that.
func kept(t *testing.T, r Registry, rec Record, o *one, keep func(context.Context) error) (wait func()) {
	t.Helper()
	unlock, err := r.Lock(t.Context(), rec.Name)
	if err != nil {
		t.Fatal(err)
	}
	a, err := r.Announce(rec, o)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		a.During(context.Background(), keep, func(err error, _ bool) error { //nolint:errcheck // it is the process's end
			if rec.Foreground {
				return r.Forget(a.Record)
			}
			a.Record.GaveUp, a.Record.Ended, a.Record.Exit = err.Error(), time.Now(), exit.Code(err)
			return r.Write(a.Record)
		})
		unlock()
	}()
	return func() { <-ended }
}

// follow calls Watch and passes on the states of a tunnel whenever they change.
func follow(t *testing.T, r Registry) <-chan string {
	ctx, cancel := context.WithCancel(context.Background())
	states, ended := make(chan string, 100), make(chan struct{})
	t.Cleanup(func() { cancel(); <-ended })
	go func() {
		defer close(ended)
		last := "-"
		err := r.Watch(ctx, func(rows []Status) error {
			var now []string
			for _, s := range rows {
				now = append(now, s.Name+strings.TrimSuffix(" "+s.Error, " "))
			}
			if text := strings.Join(now, ","); text != last {
				last = text
				states <- text
			}
			return nil
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("ended with %v", err)
		}
	}()
	return states
}

func expect(t *testing.T, states <-chan string, want ...string) {
	t.Helper()
	for _, w := range want {
		select {
		case got := <-states:
			if got != w {
				t.Fatalf("saw %q, want %q", got, w)
			}
		case <-time.After(time.Minute):
			t.Fatalf("did not see %q", w)
		}
	}
}

// Watch sees a process come, each change of its tunnel as it happens, and the last state
// before a foreground process leaves nothing behind.
func TestWatch(t *testing.T) {
	r, err := Writable(first(stateIn(t.TempDir())))
	if err != nil {
		t.Fatal(err)
	}
	states := follow(t, r)
	expect(t, states, "")
	o := &one{now: Status{Tunnel: "db", Name: "opening"}}
	end := make(chan error)
	wait := kept(t, r, Record{Name: "~1", PID: os.Getpid(), Started: time.Now(), Foreground: true}, o, func(context.Context) error { return <-end })
	expect(t, states, "opening")
	for _, name := range []string{"ready", "lost", "ready"} {
		o.set(func(s *Status) { s.Name = name })
		expect(t, states, name)
	}
	o.set(func(s *Status) { s.Name, s.Error = "gaveup", "refused" })
	end <- errors.New("refused")
	wait()
	expect(t, states, "gaveup refused", "")
}

// A process in the background leaves the reason of its end, and another one of its name is
// told from it.
func TestWatchBackground(t *testing.T) {
	r, err := Writable(first(stateIn(t.TempDir())))
	if err != nil {
		t.Fatal(err)
	}
	states := follow(t, r)
	expect(t, states, "")
	for range 2 {
		o := &one{now: Status{Tunnel: "db", Name: "ready"}}
		end := make(chan error)
		wait := kept(t, r, Record{Name: "db", PID: os.Getpid(), Started: time.Now()}, o, func(context.Context) error { return <-end })
		expect(t, states, "ready")
		end <- exit.Coded("no", exit.Refused)
		wait()
		for got := ""; !strings.HasPrefix(got, "gaveup no ("); {
			select {
			case got = <-states:
			case <-time.After(time.Minute):
				t.Fatal("the end was not seen")
			}
		}
	}
	rows, err := r.Statuses(t.Context())
	if err != nil || len(rows) != 1 || rows[0].Exit != exit.Refused {
		t.Errorf("%+v, %v", rows, err)
	}
}

// What see returns ends Watch.
func TestWatchEnds(t *testing.T) {
	enough := errors.New("enough")
	if err := (Registry{Dir: t.TempDir()}).Watch(t.Context(), func([]Status) error { return enough }); !errors.Is(err, enough) {
		t.Error(err)
	}
}

func first[A, B any](a A, _ B) A { return a }
