package tunnel

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"ssmguard/cmd/internal/dial"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/report"
	"ssmguard/guard"
	"ssmguard/proxy"
	"ssmguard/proxy/channel"
)

// keep keeps every tunnel up until ctx ends, or all have given up. Its error is
// that of the first tunnel that gave up, or of the events, which somebody reads.
func (ts tunnels) keep(ctx context.Context, events report.Events) error {
	ctx, unheard := context.WithCancelCause(ctx)
	defer unheard(nil)
	told := newOutbox(events, unheard)
	var g errgroup.Group
	for _, t := range ts {
		t.events = told
		g.Go(func() error {
			if err := t.keep(ctx); err != nil {
				return t.failed(err, len(ts) > 1)
			}
			return nil
		})
	}
	err := g.Wait()
	told.close()
	if err != nil {
		return err
	}
	return context.Cause(ctx)
}

// keep keeps one tunnel up, with as many sessions as it has lanes.
func (t *tunnel) keep(ctx context.Context) error {
	t.lanes = make([]bool, max(t.conf.Lanes, 1))
	lanesCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	var g errgroup.Group
	g.Go(func() error { t.announce(lanesCtx); return nil })
	for i := range t.lanes {
		g.Go(func() error {
			err := t.lane(lanesCtx, i)
			switch {
			case i == 0:
				cancel() // the others are beside it
				return err
			case err != nil:
				t.say(fmt.Sprintf("lane %d gave up: %v", i+1, err))
			}
			return nil
		})
	}
	err := g.Wait()
	if err == nil || ctx.Err() != nil {
		t.emit(proxy.Event{State: proxy.Stopped})
		return nil
	}
	t.emit(proxy.Event{State: proxy.GaveUp, Err: t.told(err)})
	return t.explained(ctx, err)
}

// announce tells of credentials that are about to run out, until ctx ends.
func (t *tunnel) announce(ctx context.Context) {
	select {
	case <-t.placed:
	case <-ctx.Done():
		return
	}
	t.credentials.Announce(ctx, t.say)
}

// lane keeps one session open behind the local end.
func (t *tunnel) lane(ctx context.Context, i int) error {
	s := proxy.Supervisor{
		Opener: tunnelOpener{t}, Plugin: laneCarrier{t, i}, Backoff: proxy.DefaultBackoff,
		OnEvent: func(e proxy.Event) { t.inLane(i, e) }, Final: t.final, Patience: max(t.retryFor, 0),
	}
	return s.Run(ctx, proxy.Tunnel{Name: t.conf.Name, Listen: t.door.String()}, proxy.Streams{Out: t.stderr, Err: t.stderr})
}

// explained says what AWS's refusal means. A tunnel that was open had been
// allowed: the guard is asked again what has changed.
func (t *tunnel) explained(ctx context.Context, err error) error {
	if t.StartOptions == nil || !exit.As[*proxy.Refused](err) {
		return err
	}
	before := t.decision
	if t.everReady {
		before = guard.Decision{Request: t.World.Request}
		t.World.Evidence.Refresh()
	}
	return t.Refused(ctx, before, err)
}

// inLane passes the events of a lane on, as far as they are the tunnel's: it is
// ready while one lane is.
func (t *tunnel) inLane(i int, e proxy.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	before := slices.Contains(t.lanes, true)
	t.lanes[i] = e.State == proxy.Ready
	after := slices.Contains(t.lanes, true)
	switch e.State {
	case proxy.Ready:
		if before {
			return
		}
		if t.everReady {
			t.reconnects++
		}
		t.everReady = true
	case proxy.Stopped, proxy.GaveUp:
		return // said once for all lanes
	case proxy.Lost:
		if after || t.last.State != proxy.Ready {
			return // of a session whose connection was lost before it, that has been told
		}
	default:
		if after || i != 0 && !before {
			return
		}
	}
	t.emitLocked(e)
}

// inSession passes on what happens within one session.
func (t *tunnel) inSession(lane int, s *proxy.Session, e channel.Event) {
	switch e.Kind {
	case channel.Lost:
		t.inLane(lane, proxy.Event{State: proxy.Lost, Attempt: 1, Session: s.ID, Err: e.Err})
	case channel.Resumed:
		t.inLane(lane, proxy.Event{State: proxy.Ready, Session: s.ID, Listen: t.door.String()})
	default:
		t.say(dial.ChannelNote(e))
	}
}

// say tells something that has not changed the tunnel's state.
func (t *tunnel) say(note string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.emitLocked(proxy.Event{State: t.last.State, Note: note})
}

func (t *tunnel) emit(e proxy.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.emitLocked(e)
}

func (t *tunnel) emitLocked(e proxy.Event) {
	if e.At.IsZero() {
		e.At = time.Now()
	}
	e.Tunnel = t.conf.Name
	if e.Note == "" {
		t.last = e
	}
	t.events.put(e)
}

// several renders for more than one reader.
type several []report.Events

// Event implements report.Events.
func (s several) Event(e proxy.Event) error {
	var errs []error
	for _, one := range s {
		errs = append(errs, one.Event(e))
	}
	return errors.Join(errs...)
}

// readiness waits for all tunnels of a command to be ready once.
type readiness struct {
	mu   sync.Mutex
	left map[string]bool
	all  chan struct{} // closed then
}

func (ts tunnels) readiness() *readiness {
	r := &readiness{left: make(map[string]bool), all: make(chan struct{})}
	for _, t := range ts {
		r.left[t.conf.Name] = true
	}
	return r
}

// Event implements report.Events.
func (r *readiness) Event(e proxy.Event) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e.State == proxy.Ready && r.left[e.Tunnel] {
		delete(r.left, e.Tunnel)
		if len(r.left) == 0 {
			close(r.all)
		}
	}
	return nil
}
