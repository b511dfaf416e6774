package proxy

import "context"

// Spec is what the user asked for: the input of ssm:StartSession and where to send it.
type Spec struct {
	Target, Document, Reason  string
	Parameters                map[string][]string
	Region, Profile, Endpoint string
	// Request is the request as JSON text, as the AWS CLI would write it; it is
	// shown to the plugin. When empty it is made of the other fields.
	Request string
}

// Session is a session that AWS has opened.
type Session struct {
	ID               string
	StreamURL, Token Secret
	Spec             Spec
}

// Opener opens and ends sessions in the account.
type Opener interface {
	// Open calls StartSession. An error means that no session was opened.
	Open(ctx context.Context, s Spec) (*Session, error)
	// Terminate ends the session with the given id; ending an ended session is no error.
	Terminate(ctx context.Context, id string) error
}

// Plugin carries one session until it ends.
type Plugin interface {
	// Run returns when the session has ended. ready is called once, when the
	// session can be used; a nil ready is allowed.
	Run(ctx context.Context, s *Session, io Streams, ready func()) error
}
