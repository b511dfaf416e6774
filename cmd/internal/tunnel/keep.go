package tunnel

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/report"
	"ssmguard/guard"
	"ssmguard/proxy"
)

// keep keeps every tunnel up until ctx ends, or all have given up. The error is that of
// the first tunnel that gave up, or of writing events.
func (ts tunnels) keep(ctx context.Context, events report.Events) error {
	ctx, unheard := context.WithCancelCause(ctx)
	defer unheard(nil)
	out := report.NewOutbox(events, unheard)
	var g errgroup.Group
	for _, t := range ts {
		t.progress.start(out)
		g.Go(func() error {
			if err := t.keep(ctx); err != nil {
				return t.gaveUp(err)
			}
			return nil
		})
	}
	err := g.Wait()
	out.Close()
	if err != nil {
		return err
	}
	return context.Cause(ctx)
}

// keep keeps one tunnel up, with as many sessions as it has lanes.
func (t *tunnel) keep(ctx context.Context) error {
	if t.conf.IsProxy() {
		return t.serve(ctx)
	}
	lanesCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	var g errgroup.Group
	g.Go(func() error { t.announce(lanesCtx); return nil })
	g.Go(func() error { t.watchFar(lanesCtx); return nil })
	for i := range t.progress.lanes {
		g.Go(func() error {
			err := (&lane{tunnel: t, number: i}).keep(lanesCtx)
			switch {
			case i == 0:
				cancel() // the other lanes end, too
				return err
			case err != nil:
				t.progress.say(fmt.Sprintf("lane %d gave up: %v", i+1, err))
			}
			return nil
		})
	}
	err := g.Wait()
	if err == nil || ctx.Err() != nil {
		t.progress.emit(proxy.Event{State: proxy.Stopped})
		return nil
	}
	t.progress.gaveUp(err)
	return t.explained(ctx, err)
}

// gaveUp is the error of a tunnel that was kept and has ended.
func (t *tunnel) gaveUp(err error) error {
	about, shown := t.conf.Name+": gave up", eventError(err)
	if late := (*proxy.PatienceError)(nil); errors.As(err, &late) {
		about, err = fmt.Sprintf("%s: not ready after %v", about, late.After), late.Err
	}
	return &tunnelError{t.conf.Name, shown, err, about}
}

// announce warns before the credentials expire, until ctx ends.
func (t *tunnel) announce(ctx context.Context) {
	select {
	case <-t.place.done:
		t.place.found.credentials.Announce(ctx, t.progress.say)
	case <-ctx.Done():
	}
}

// explained adds the meaning of AWS's refusal. The guard is asked again, because a
// tunnel that was open had been allowed.
func (t *tunnel) explained(ctx context.Context, err error) error {
	found, known := t.place.known()
	if !known || !exit.As[*proxy.Refused](err) {
		return err
	}
	before, w := found.decision, found.attempt.Question
	if t.progress.wasReady() {
		before = guard.Decision{Request: w.Request}
		w.Evidence.Refresh()
	}
	return found.attempt.Refused(ctx, before, t.gaveUp(err))
}

// ending are events whose last one has no reason: the command ends with the error, and
// says it then. quiet leaves out the last event itself, where both go to one stream.
type ending struct {
	report.Events
	quiet bool
}

// Event implements report.Events.
func (b ending) Event(e proxy.Event) error {
	if e.State == proxy.GaveUp {
		if b.quiet {
			return nil
		}
		e.Err = nil
	}
	return b.Events.Event(e)
}

// several passes events to several receivers.
type several []report.Events

// Event implements report.Events.
func (s several) Event(e proxy.Event) error {
	var errs []error
	for _, one := range s {
		errs = append(errs, one.Event(e))
	}
	return errors.Join(errs...)
}

// readiness waits for all tunnels of a command to take connections.
type readiness struct {
	mu   sync.Mutex
	left map[string]bool
	all  chan struct{} // closed when all are ready
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
	if e.Listens() && r.left[e.Tunnel] {
		delete(r.left, e.Tunnel)
		if len(r.left) == 0 {
			close(r.all)
		}
	}
	return nil
}
