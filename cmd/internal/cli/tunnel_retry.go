package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"slices"

	"ssmguard/guard/awsiam"
	"ssmguard/proxy"
	"ssmguard/proxy/channel"
)

// outdated are the codes by which AWS refuses credentials that newer ones may replace.
var outdated = []string{"ExpiredToken", "ExpiredTokenException", "RequestExpired", "UnrecognizedClientException", "InvalidClientTokenId"}

// passing are the codes of refusals that may not last: too much was asked, or the
// target is not up yet.
var passing = []string{"ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded", "InternalServerError", notConnected}

// notConnected is the code for a target whose agent is not there.
const notConnected = "TargetNotConnected"

// passingErrors tell of a type of error whether it comes right by itself. The
// first row that knows an error decides.
var passingErrors = []func(error) (passes, known bool){
	passesIf(func(*tls.CertificateVerificationError) bool { return false }),
	passesIf(func(e *proxy.Refused) bool {
		return e.HTTPStatus >= http.StatusInternalServerError || slices.Contains(passing, e.Code)
	}),
	passesIf(func(e *proxy.Unreachable) bool { return e.Reason != proxy.BadTLS }),
	passesIf(func(e *channel.StatusError) bool { return !errors.Is(e, channel.ErrRefused) }),
	func(err error) (passes, known bool) { return true, errors.Is(err, channel.ErrOpenTimeout) },
	func(err error) (passes, known bool) {
		kind := awsiam.KindOf(err)
		return true, kind == awsiam.KindThrottled || kind == awsiam.KindUnreachable
	},
}

// passes tells whether what failed may come right without anybody doing anything:
// the network comes back, a limit is over, the far side has started.
func passes(err error) bool {
	for _, row := range passingErrors {
		if passes, known := row(err); known {
			return passes
		}
	}
	return false
}

// passesIf makes a row for one type of error.
func passesIf[E error](passes func(E) bool) func(error) (passes, known bool) {
	return func(err error) (bool, bool) {
		var e E
		if !errors.As(err, &e) {
			return false, false
		}
		return passes(e), true
	}
}

func isOutdated(err error) bool {
	var refused *proxy.Refused
	return errors.As(err, &refused) && slices.Contains(outdated, refused.Code)
}

// final tells whether an error ends the tunnel. Before it was ready for the first
// time that is everything but what passes by itself; later, when it is known to
// work, only what AWS will not take back.
func (t *tunnel) final(err error) bool {
	t.mu.Lock()
	everReady := t.everReady
	t.mu.Unlock()
	if !everReady {
		return t.retryFor == 0 || !passes(err)
	}
	if errors.Is(err, channel.ErrSessionGone) {
		return false // what was refused is to resume the session; a new one can be had
	}
	return as[*proxy.Refused](err) && !passes(err) && !isOutdated(err)
}

// tunnelOpener opens the sessions of a tunnel. It sees to what may have changed
// since the last one: the place that the tunnel has not found yet, credentials
// that have run out, a target that was replaced.
type tunnelOpener struct{ *tunnel }

// Open implements proxy.Opener.
func (t tunnelOpener) Open(ctx context.Context, _ proxy.Spec) (*proxy.Session, error) {
	if err := t.takePlace(ctx); err != nil {
		return nil, err
	}
	session, err := t.api.Open(ctx, t.spec())
	if isOutdated(err) && t.credentials.Renew(ctx) == nil || t.moved(ctx, err) {
		session, err = t.api.Open(ctx, t.spec())
	}
	return session, err
}

// Terminate implements proxy.Opener.
func (t tunnelOpener) Terminate(ctx context.Context, id string) error {
	return t.api.Terminate(ctx, id)
}

func (t *tunnel) spec() proxy.Spec {
	t.placing.Lock()
	defer t.placing.Unlock()
	return t.world.spec
}

// moved looks again for a target that was given by a name and is not connected,
// as when a bastion was replaced, and tells whether it is another node now.
func (t *tunnel) moved(ctx context.Context, err error) bool {
	var refused *proxy.Refused
	if !errors.As(err, &refused) || refused.Code != notConnected || awsiam.IsTargetID(t.conf.Target) {
		return false
	}
	t.placing.Lock()
	defer t.placing.Unlock()
	t.world.evidence.Refresh()
	id, err := t.world.evidence.ResolveTarget(ctx, t.world.request.Region, t.conf.Target)
	if err != nil || id == t.world.spec.Target {
		return false
	}
	t.say(t.conf.Target + " is now " + id)
	t.world.request.Target, t.world.spec.Target = id, id
	return true
}

// laneCarrier carries sessions of one lane with what the tunnel found to do so.
type laneCarrier struct {
	*tunnel
	lane int
}

// Run implements proxy.Plugin.
func (c laneCarrier) Run(ctx context.Context, s *proxy.Session, io proxy.Streams, ready func()) error {
	return c.carrier(c.lane).Run(ctx, s, io, ready)
}
