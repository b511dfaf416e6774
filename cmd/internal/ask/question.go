package ask

import (
	"context"
	"time"

	"ssmguard/guard"
	"ssmguard/guard/awsiam"
	"ssmguard/proxy"
)

// Question is a request with those who answer it for an account, and what opens the
// session. Enter makes the real one, tests make others.
type Question struct {
	Request  guard.Request // without its Caller
	Evidence evidence
	Guard    *guard.Guard
	Policies guard.PolicySource // what the local judge of guard reads

	Spec   proxy.Spec
	Opener proxy.Opener
}

// evidence is what AWS tells about the caller and the target; guard/awsiam has it.
type evidence interface {
	// Prefetch starts reading what a request needs and does not wait.
	Prefetch(ctx context.Context, r guard.Request)
	Caller(ctx context.Context) (guard.Caller, error)
	// ResolveTarget returns the id of what people mean by a name.
	ResolveTarget(ctx context.Context, region, name string) (string, error)

	// Nodes and SessionDocuments list what there is; usable beside an error.
	Nodes(ctx context.Context, region string) ([]awsiam.Node, error)
	SessionDocuments(ctx context.Context, region string) ([]awsiam.SessionDocument, error)

	// Cached tells whether an answer came from an earlier run; after Refresh none does.
	Cached() bool
	Refresh()
	RecentlyAllowed(ctx context.Context, r guard.Request) (time.Time, bool)
	RememberAllowed(ctx context.Context, r guard.Request)
	ForgetAllowed(ctx context.Context, r guard.Request)
	Close()
}
