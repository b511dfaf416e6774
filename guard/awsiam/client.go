package awsiam

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"

	"ssmguard/guard"
)

// Options of New. The zero Options ask AWS everything and keep nothing on disk.
type Options struct {
	SSMEndpoint   string                                              // URL of Systems Manager, "" for the configured one; other services keep theirs
	CacheDir      string                                              // directory for short-lived answers, made 0700 when missing; "" keeps none
	NoCache       bool                                                // neither read nor write CacheDir
	CallTimeout   time.Duration                                       // bound of one call with its retries; 0 means 4 s
	Concurrency   int                                                 // calls under way at once; 0 means 16
	ThrottlePause time.Duration                                       // the first pause before a call for a list of an account that AWS throttles is made again; 0 means 400 ms
	Timing        func(op string, took time.Duration)                 // told of every call, named as its permission ("iam:GetRole"); may be called concurrently; nil for none
	LookupHost    func(context.Context, string) ([]netip.Addr, error) // resolves the Systems Manager endpoint; nil means it is not asked, and taken as public
}

const (
	defaultCallTimeout = 4 * time.Second
	defaultConcurrency = 16
	throttlePause      = 400 * time.Millisecond
	maxAttempts        = 3
	firstBackoff       = 60 * time.Millisecond
)

// Client reads evidence from AWS. It implements guard.PolicySource,
// guard.Simulator and guard.Inventory, is safe for concurrent use, and must be
// closed.
type Client struct {
	*connection
	policyReader
	factReader
	nodeReader

	edits edits // of the policies that are simulated
}

// connection is how AWS is asked with one set of credentials, and what it has
// answered.
type connection struct {
	services
	answers
	reads

	region      string
	credentials aws.CredentialsProvider
	options     Options
	slots       chan struct{} // one per call under way
}

// answers are kept for as long as the client lives, and some of them on disk.
type answers struct {
	cache *cache // nil for none
	tidy  sync.Once

	mu       sync.Mutex
	memo     *memo
	fresh    bool              // the cache is written and not read
	fromDisk bool              // something the memo holds came from the cache
	managed  map[string]string // ARNs of the managed policies that were read, by name
}

// reads are the goroutines that Close ends and waits for.
type reads struct {
	closed context.CancelFunc
	life   context.Context // ends with Close; nothing else hangs on it
	wait   sync.WaitGroup
}

var (
	_ guard.PolicySource = (*Client)(nil)
	_ guard.Simulator    = (*Client)(nil)
	_ guard.Inventory    = (*Client)(nil)
)

// New returns a client for the credentials, region and endpoints of cfg. It
// makes no call. Retries are few and short whatever cfg says, since a session
// waits for the answers.
func New(cfg aws.Config, o Options) *Client {
	if o.CallTimeout <= 0 {
		o.CallTimeout = defaultCallTimeout
	}
	if o.Concurrency <= 0 {
		o.Concurrency = defaultConcurrency
	}
	if o.ThrottlePause <= 0 {
		o.ThrottlePause = throttlePause
	}
	cfg = withShortRetries(cfg)
	a := &connection{
		services:    newServices(cfg, o.SSMEndpoint),
		answers:     answers{memo: newMemo()},
		region:      cfg.Region,
		credentials: cfg.Credentials,
		options:     o,
		slots:       make(chan struct{}, o.Concurrency),
	}
	if o.CacheDir != "" && !o.NoCache {
		a.cache = &cache{dir: filepath.Join(o.CacheDir, CacheKind)} // sweep may delete what it finds there
	}
	a.life, a.closed = context.WithCancel(context.Background())
	return &Client{a, policyReader{callerReader{a}}, factReader{a}, nodeReader{a}, edits{}}
}

// withShortRetries returns cfg with at most maxAttempts attempts and waits well
// under a second, and no token bucket: the bucket of a shared retryer would let
// one throttled call spend the retries of the others.
func withShortRetries(cfg aws.Config) aws.Config {
	cfg = cfg.Copy()
	attempts := maxAttempts
	if n := cfg.RetryMaxAttempts; n > 0 && n < attempts {
		attempts = n
	}
	cfg.RetryMaxAttempts = 0
	cfg.Retryer = func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts = attempts
			o.RateLimiter = ratelimit.None
			o.Backoff = retry.BackoffDelayerFunc(func(attempt int, _ error) (time.Duration, error) {
				wait := firstBackoff << min(max(attempt, 0), 3)
				return wait/2 + rand.N(wait/2), nil
			})
		})
	}
	return cfg
}

// Close gives up the reads under way and waits for them to end. Results already
// returned stay valid.
func (r *reads) Close() {
	r.closed()
	r.wait.Wait()
}

// Prefetch starts reading what r needs and does not wait: who the caller is,
// their policies, the facts about target and document. r.Caller may be zero.
// Later calls join these reads. The reads take ctx's values, not its end; Close
// ends them.
func (c *Client) Prefetch(ctx context.Context, r guard.Request) {
	c.startCaller(ctx)
	c.startFacts(ctx, r)
}

// ask makes one call: bounded in time and in number with others, timed, its
// error named by permission.
func ask[T any](ctx context.Context, a *connection, permission string, call func(context.Context) (T, error)) (T, error) {
	var zero T
	select {
	case a.slots <- struct{}{}:
		defer func() { <-a.slots }()
	case <-ctx.Done():
		return zero, wrap(permission, ctx.Err())
	}
	limited, cancel := context.WithTimeout(ctx, a.options.CallTimeout)
	defer cancel()
	start := time.Now()
	out, err := call(limited)
	if a.options.Timing != nil {
		a.options.Timing(permission, time.Since(start))
	}
	if err != nil {
		return zero, wrap(permission, err)
	}
	return out, nil
}

// together runs the functions at once and waits for all of them; what they
// return they put in variables of their own.
func together(fs ...func()) { each(len(fs), func(i int) { fs[i]() }) }

// each runs f(0) ... f(n-1) at once and waits for all.
func each(n int, f func(i int)) {
	var wait sync.WaitGroup
	for i := range n {
		wait.Go(func() { f(i) })
	}
	wait.Wait()
}
