package ask

import (
	"context"

	"ssmguard/guard"
	"ssmguard/guard/awsiam"
	"ssmguard/proxy"
)

// Question is a request with the evidence and the judges that answer it for an account,
// and the opener of its session. Enter makes the real one, tests make others.
type Question struct {
	Request  guard.Request // without its Caller
	Evidence evidence
	Guard    *guard.Guard
	Policies guard.PolicySource // read by the guard's local judge

	Spec   proxy.Spec
	Opener proxy.Opener
}

// evidence reads from AWS what concerns the caller and the target; guard/awsiam
// implements it.
type evidence interface {
	// Prefetch starts to read what a request needs, and does not wait for it.
	Prefetch(ctx context.Context, r guard.Request)
	Caller(ctx context.Context) (guard.Caller, error)
	// ResolveTarget returns the id of the node that a name stands for.
	ResolveTarget(ctx context.Context, region, name string) (string, error)

	// Nodes and SessionDocuments list the account's; with an error the list may be
	// incomplete.
	Nodes(ctx context.Context, region string) ([]awsiam.Node, error)
	SessionDocuments(ctx context.Context, region string) ([]awsiam.SessionDocument, error)

	// Cached reports whether an answer came from an earlier run; after Refresh no answer
	// does.
	Cached() bool
	Refresh()
	RecentlyAllowed(ctx context.Context, r guard.Request) (awsiam.Allowed, bool)
	RememberAllowed(ctx context.Context, r guard.Request, sessionType string)
	ForgetAllowed(ctx context.Context, r guard.Request)
	Close()
}
