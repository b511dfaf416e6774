package proxy

import (
	"context"
	"fmt"
	"time"
)

// Spec is the wanted session: the input of ssm:StartSession and where to send it.
type Spec struct {
	Target, Document, Reason  string
	Parameters                map[string][]string
	Region, Profile, Endpoint string
	// SessionType is what the document says of its sessions, Port for instance; "" if it is
	// not known.
	SessionType string
	// Request is the request as JSON text, as the AWS CLI would write it; it is passed to
	// the plugin. When empty it is made of the other fields.
	Request string
}

// Session is a session that AWS has opened.
type Session struct {
	ID               string
	StreamURL, Token Secret
	Spec             Spec
}

// Opener opens sessions in the account, and ends them.
type Opener interface {
	// Open calls StartSession. An error means that no session was opened.
	Open(ctx context.Context) (*Session, error)
	Terminator
}

// Terminator ends sessions in the account.
type Terminator interface {
	// Terminate ends the session with the given id; ending an ended session is not an
	// error.
	Terminate(ctx context.Context, id string) error
}

// endTimeout is the time limit for the call that terminates a session. It is less than
// the time "tunnel down" waits for a process.
const endTimeout = 10 * time.Second

// End terminates a session even when ctx has ended, as it usually has. Its error is a
// *LeftRunningError; a session that cannot be reached ends by its idle timeout.
func End(ctx context.Context, t Terminator, id string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	if err := t.Terminate(ctx, id); err != nil {
		return &LeftRunningError{ID: id, Err: err}
	}
	return nil
}

// LeftRunningError means that a session could not be terminated and may still be
// running in the account.
type LeftRunningError struct {
	ID  string
	Err error
}

// Error names the session, so that it can be terminated by hand.
func (e *LeftRunningError) Error() string {
	return fmt.Sprintf("session %s may still be running: %v", e.ID, e.Err)
}

// Unwrap returns the cause.
func (e *LeftRunningError) Unwrap() error { return e.Err }

// Plugin carries one session until it ends.
type Plugin interface {
	// Run returns when the session has ended. ready is called once, when the
	// session can be used; a nil ready is allowed.
	Run(ctx context.Context, s *Session, io Streams, ready func()) error
}
