package channel

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"ssmguard/proxy"
)

// dialer opens the connections of one session: the first with the session's own
// token, each later one with a token that Options.Resume gives. One goroutine at a
// time uses it, Dial's and then run's, so it needs no lock.
type dialer struct {
	opt       *Options
	clientID  string
	streamURL proxy.Secret // the latest
}

// errSuspended is why a connection is given up after the machine slept.
var errSuspended = errors.New("the machine was suspended")

const (
	maxRefused = 5 // fresh tokens in a row that the gateway may refuse
	clockJump  = 3 * time.Second
)

// first connects with the session's own token. Whatever may be a passing
// fault is tried again until ctx ends. A certificate that is not trusted is no passing
// fault here; when a connection is resumed it may be: a hotel's login page, say.
func (d *dialer) first(ctx context.Context) (*link, error) {
	d.streamURL = d.opt.Session.StreamURL
	for failed := 1; ; failed++ {
		l, err := d.connect(ctx, d.opt.Session.Token)
		var untrusted *tls.CertificateVerificationError
		if err == nil || errors.Is(err, ErrRefused) || errors.As(err, &untrusted) {
			return l, err
		}
		if !sleep(ctx, d.opt.Backoff.Pause(failed)) {
			return nil, err
		}
	}
}

// resume connects again, with a new token for each attempt. failed counts attempts in
// a row, before and after: connections that were of no use are among them.
func (d *dialer) resume(ctx context.Context, cause error, failed int) (*link, int, error) {
	if d.opt.Resume == nil {
		return nil, 0, fmt.Errorf("%w: connection lost: %w", ErrSessionGone, cause)
	}
	if d.opt.ResumeFor > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d.opt.ResumeFor)
		defer cancel()
	}
	for refused := 0; ; failed++ {
		if failed > 0 {
			woke, ok := d.pause(ctx, failed)
			if !ok {
				return nil, failed, fmt.Errorf("%w: could not resume in time: %w", ErrSessionGone, cause)
			}
			if woke {
				failed = 0
			}
		}
		l, err := d.resumeOnce(ctx)
		var status *StatusError
		switch {
		case err == nil:
			return l, failed + 1, nil
		case errors.As(err, &status) && errors.Is(err, ErrRefused) && refused < maxRefused:
			refused++ // a token may have aged on the way; the next attempt has a new one
		case errors.Is(err, ErrSessionGone), errors.Is(err, ErrRefused):
			return nil, failed, err
		}
		cause = err
	}
}

// pause waits before another attempt, but not beyond the moment when the machine wakes
// from sleep, where the network may be another; ok is false when ctx ended first.
func (d *dialer) pause(ctx context.Context, failed int) (woke, ok bool) {
	clocks := newClocks(d.opt.wall)
	for left := d.opt.Backoff.Pause(failed); left > 0; left -= wakeAtMost {
		if !sleep(ctx, min(left, wakeAtMost)) {
			return false, false
		}
		if clocks.jumped() {
			return true, true
		}
	}
	return false, true
}

func (d *dialer) resumeOnce(ctx context.Context) (*link, error) {
	try, cancel := context.WithTimeout(ctx, openTry)
	defer cancel()
	streamURL, token, err := d.opt.Resume(try, d.opt.Session.ID)
	if err != nil {
		return nil, fmt.Errorf("resuming the session: %w", err)
	}
	if token.Reveal() == "" {
		return nil, ErrNotResumable
	}
	if streamURL.Reveal() != "" {
		d.streamURL = streamURL
	}
	return d.connect(ctx, token)
}

// clocks compares the wall clock with the monotonic one, which stands still
// while the machine sleeps.
type clocks struct {
	now       func() time.Time // the wall clock
	mono, was time.Time
}

func newClocks(wall func() time.Time) clocks { return clocks{wall, time.Now(), wall()} }

// jumped reports whether the machine has slept since the last call.
func (k *clocks) jumped() bool {
	mono, wall := time.Now(), k.now()
	jump := wall.Sub(k.was) - mono.Sub(k.mono)
	k.mono, k.was = mono, wall
	return jump > clockJump
}
