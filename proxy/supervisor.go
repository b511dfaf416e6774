package proxy

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Tunnel is a local end and the sessions behind it.
type Tunnel struct {
	Name, Listen string
}

// Supervisor keeps one session open behind a tunnel's local end: when the session ends
// while the tunnel is open, a new one is started.
type Supervisor struct {
	Opener  Opener
	Plugin  Plugin
	Backoff Backoff
	OnEvent func(Event) // called in order, from one goroutine; nil is allowed

	// Final reports whether an error of Opener or Plugin is final, such as a refusal. nil:
	// every error is followed by another attempt.
	Final func(error) bool

	// Wanted returns a channel that is closed, or gets a value, when a session is wanted. It is
	// called before each session: until then the tunnel is Idle, with Listen in its event. nil:
	// a session is always wanted.
	Wanted func() <-chan struct{}

	// Patience is the time limit from Run, or from the time at which a session was
	// wanted, to the first Ready; after it the last error is final. 0: no limit. There is no
	// limit once the tunnel was Ready.
	Patience time.Duration
}

// ErrEnded is the Err of Lost and Waiting events when the far side ended the session without an error.
var ErrEnded = errors.New("the session was ended on the far side")

// ErrIdle is what Plugin returns of a session that it has ended because nobody used it. It is
// no failure: the next session comes when it is wanted.
var ErrIdle = errors.New("the session was not used")

// PatienceError is what Run returns when Patience was over before the first Ready.
type PatienceError struct {
	After time.Duration // the Patience
	Err   error         // of the last attempt
}

// Error names the limit and the last cause.
func (e *PatienceError) Error() string { return fmt.Sprintf("not ready after %v: %v", e.After, e.Err) }

// Unwrap returns the last cause.
func (e *PatienceError) Unwrap() error { return e.Err }

// Run keeps the tunnel up until ctx ends, which is not an error, or until a Final
// error, which it returns. None of its sessions is open when it returns. A Lost event
// comes once for each session that was Ready; attempts that fail before Ready have
// Waiting events only.
func (s *Supervisor) Run(ctx context.Context, t Tunnel, io Streams) error {
	r := run{Supervisor: s, tunnel: t, io: io, began: time.Now()}
	if s.Wanted == nil {
		r.tell(Event{State: Idle})
	}
	for {
		r.awaitWanted(ctx)
		if ctx.Err() != nil {
			r.tell(Event{State: Stopped})
			return nil
		}
		err := r.once(ctx)
		if ctx.Err() != nil {
			r.tell(Event{State: Stopped})
			return nil
		}
		if errors.Is(err, ErrIdle) && s.Wanted != nil {
			r.failed = 0
			continue
		}
		pause, within, err := r.pause(err)
		if pause <= 0 {
			r.tell(Event{State: GaveUp, Err: err})
			return err
		}
		if r.ready {
			r.tell(Event{State: Lost, Attempt: r.failed, Err: err})
		}
		r.tell(Event{State: Waiting, Attempt: r.failed, Pause: pause, Within: within, Err: err})
		select {
		case <-ctx.Done():
			r.tell(Event{State: Stopped})
			return nil
		case <-time.After(pause):
		}
	}
}

// run is the state of one Supervisor.Run.
type run struct {
	*Supervisor
	tunnel    Tunnel
	io        Streams
	began     time.Time
	ready     bool // the last session was Ready
	everReady bool
	failed    int // attempts in a row that did not last
}

// awaitWanted returns when a session is wanted, or ctx has ended.
func (r *run) awaitWanted(ctx context.Context) {
	if r.Wanted == nil {
		return
	}
	wanted := r.Wanted()
	select {
	case <-wanted:
		return
	default:
	}
	r.tell(Event{State: Idle, Listen: r.tunnel.Listen})
	select {
	case <-wanted:
		r.began = time.Now()
	case <-ctx.Done():
	}
}

// pause returns how long to wait after an error, and what is left of Patience before
// the first Ready. Without a pause there are no further attempts, and the error is the
// result.
func (r *run) pause(err error) (pause, left time.Duration, _ error) {
	if r.Final != nil && r.Final(err) {
		return 0, 0, err
	}
	pause = r.Backoff.Pause(r.failed)
	if r.Patience <= 0 || r.everReady {
		return pause, 0, err
	}
	if left = r.Patience - time.Since(r.began); left <= 0 {
		return 0, 0, &PatienceError{r.Patience, err}
	}
	return min(pause, left), left, err
}

// once opens one session and carries it until it ends.
func (r *run) once(ctx context.Context) error {
	r.failed, r.ready = r.failed+1, false
	r.tell(Event{State: Opening, Attempt: r.failed})
	session, err := r.Opener.Open(ctx)
	if err != nil {
		return err
	}
	defer End(ctx, r.Opener, session.ID) //nolint:errcheck // a session that could not be ended ends by its idle timeout
	var since time.Time
	err = r.Plugin.Run(ctx, session, r.io, func() {
		r.ready, r.everReady, since = true, true, time.Now()
		r.tell(Event{State: Ready, Session: session.ID, Listen: r.tunnel.Listen})
	})
	if r.ready && time.Since(since) >= r.Backoff.Max {
		r.failed = 1 // the pauses start again; 1 and not 0, so that sessions that end at once do not follow each other at once
	}
	if err == nil {
		err = ErrEnded
	}
	return err
}

func (r *run) tell(e Event) {
	if r.OnEvent != nil {
		e.At, e.Tunnel = time.Now(), r.tunnel.Name
		r.OnEvent(e)
	}
}
