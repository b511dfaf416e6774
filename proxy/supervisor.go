package proxy

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Tunnel is a local door and the session that is wanted behind it.
type Tunnel struct {
	Name, Listen string
}

// Supervisor keeps one session open behind a tunnel's local door: when the
// session ends while it is still wanted, a new one is started.
type Supervisor struct {
	Opener  Opener
	Plugin  Plugin
	Backoff Backoff
	OnEvent func(Event) // called in order, from one goroutine; nil is allowed

	// Final reports errors of Opener and Plugin that a further attempt cannot
	// mend, such as a refusal. nil: every error is worth another attempt.
	Final func(error) bool

	// Patience bounds the time from Run to the first Ready: when it is over, the
	// last error counts as final. 0 is no bound. What was Ready once is not bounded.
	Patience time.Duration
}

// ErrEnded is the Err of Lost and Waiting events when the far side ended the session without an error.
var ErrEnded = errors.New("the session was ended on the far side")

// PatienceError is what Run returns when Patience was over before the first Ready.
type PatienceError struct {
	After time.Duration // the Patience
	Err   error         // of the last attempt
}

// Error names the bound and the last cause.
func (e *PatienceError) Error() string { return fmt.Sprintf("not ready after %v: %v", e.After, e.Err) }

// Unwrap returns the last cause.
func (e *PatienceError) Unwrap() error { return e.Err }

// Run keeps the tunnel up until ctx ends, which is no error, or until a Final
// error, which it returns. No session of its own is open when it returns. A
// Lost event comes once for each session that was Ready; attempts that fail
// before they are Ready are told by Waiting events alone.
func (s *Supervisor) Run(ctx context.Context, t Tunnel, io Streams) error {
	r := run{Supervisor: s, tunnel: t, io: io, began: time.Now()}
	r.tell(Event{State: Idle})
	for {
		err := r.once(ctx)
		if ctx.Err() != nil {
			r.tell(Event{State: Stopped})
			return nil
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
	ready     bool // the last session was
	everReady bool
	failed    int // attempts in a row that did not last
}

// pause returns how long to wait after an error, and what is left of Patience
// where that counts. No pause means not to go on, for the error that it returns.
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
	defer End(ctx, r.Opener, session.ID) //nolint:errcheck // nobody can do more about it
	var since time.Time
	err = r.Plugin.Run(ctx, session, r.io, func() {
		r.ready, r.everReady, since = true, true, time.Now()
		r.tell(Event{State: Ready, Session: session.ID, Listen: r.tunnel.Listen})
	})
	if r.ready && time.Since(since) >= r.Backoff.Max {
		r.failed = 1 // the pauses begin anew; sessions that end at once must not follow each other at once
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
