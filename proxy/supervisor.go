package proxy

import (
	"context"
	"errors"
	"time"
)

// Tunnel is a local door and the session that is wanted behind it.
type Tunnel struct {
	Name, Listen string
	Spec         Spec
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
}

// terminateTimeout bounds the farewell to a session nobody wants any more.
const terminateTimeout = 5 * time.Second

// ErrEnded is the Err of a Lost event when the far side ended the session without an error.
var ErrEnded = errors.New("the session was ended on the far side")

// Run keeps the tunnel up until ctx ends, which is no error, or until a Final
// error, which it returns. No session of its own is open when it returns.
func (s *Supervisor) Run(ctx context.Context, t Tunnel, io Streams) error {
	r := run{Supervisor: s, tunnel: t, io: io}
	r.tell(Event{State: Idle})
	for {
		err := r.once(ctx)
		switch {
		case ctx.Err() != nil:
			r.tell(Event{State: Stopped})
			return nil
		case s.Final != nil && s.Final(err):
			r.tell(Event{State: GaveUp, Err: err})
			return err
		}
		r.tell(Event{State: Lost, Attempt: r.failed, Err: err})
		pause := s.Backoff.Pause(max(r.failed, 1))
		r.tell(Event{State: Waiting, Attempt: r.failed, Pause: pause, Err: err})
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
	tunnel Tunnel
	io     Streams
	failed int // attempts in a row that never got Ready
}

// once opens one session and carries it until it ends.
func (r *run) once(ctx context.Context) error {
	r.failed++
	r.tell(Event{State: Opening, Attempt: r.failed})
	session, err := r.Opener.Open(ctx, r.tunnel.Spec)
	if err != nil {
		return err
	}
	defer r.terminate(ctx, session.ID)
	err = r.Plugin.Run(ctx, session, r.io, func() {
		r.failed = 0
		r.tell(Event{State: Ready, Session: session.ID, Listen: r.tunnel.Listen})
	})
	if err == nil {
		err = ErrEnded
	}
	return err
}

// terminate ends a session even when ctx is over: that is when it matters. A
// session that cannot be reached now ends by its idle timeout.
func (r *run) terminate(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), terminateTimeout)
	defer cancel()
	_ = r.Opener.Terminate(ctx, id)
}

func (r *run) tell(e Event) {
	if r.OnEvent != nil {
		e.At, e.Tunnel = time.Now(), r.tunnel.Name
		r.OnEvent(e)
	}
}
