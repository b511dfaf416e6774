package ask

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"ssmguard/cmd/internal/awsconf"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/guard/awsiam"
	"ssmguard/internal/awsapi"
	"ssmguard/proxy"
	"ssmguard/proxy/plugin"
)

// Renewing are the credentials of a long run. When they have expired, or AWS says so,
// the configuration is read again, so that a new login is used without a restart.
type Renewing struct {
	load  func(context.Context) (*awsconf.Session, error)
	Again string // the step after new credentials are put into the environment: "open the tunnel"
	login string // the command that signs in again, "" if the credentials come from no login

	mu    sync.Mutex
	given aws.Credentials // the last result of keys
	now   aws.CredentialsProvider
	until time.Time // expiry of the last retrieved credentials, zero if they do not expire
	fixed bool      // the process cannot replace them, as with variables of the environment
}

// ErrNoPrompt is the error in place of a prompt when no user is at the terminal.
var ErrNoPrompt = errors.New("the credentials need an MFA code, which is asked for at the start only; start again")

// Renewed makes a configuration's credentials renewing, for every service.
func (l *Line) Renewed(conf *awsconf.Session) *Renewing {
	r := &Renewing{now: conf.Credentials, Again: "start", login: exit.SignIn(l.Process), load: func(ctx context.Context) (*awsconf.Session, error) {
		l.Process.ForgetAWSFiles()
		return awsconf.Load(ctx, awsconf.Options{Globals: l.Call.Globals, Files: l.Process.AWSFiles(), Clock: awsapi.ClockOf(conf.Config),
			Prompt: func(string) (string, error) { return "", ErrNoPrompt }})
	}}
	if l.Call.Globals.NoSignRequest {
		return r
	}
	conf.Credentials, conf.Config.Credentials, conf.SSM.Credentials, conf.ECS.Credentials = r, r, r, r
	return r
}

// hold keeps the retrieved credentials until they expire, and looks for newer ones
// without a prompt: the keyboard belongs to the session by then.
func (r *Renewing) hold(ctx context.Context) error {
	c, err := r.Retrieve(ctx)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return c, nil })
	return nil
}

// Retrieve implements aws.CredentialsProvider.
func (r *Renewing) Retrieve(ctx context.Context) (aws.Credentials, error) {
	c, _, err := r.newest(ctx)
	return c, err
}

// newest returns what Retrieve does. missed is the reason when there are no valid
// credentials.
func (r *Renewing) newest(ctx context.Context) (c aws.Credentials, missed, err error) {
	r.mu.Lock()
	now := r.now
	r.mu.Unlock()
	c, err = now.Retrieve(ctx)
	if err == nil && !c.Expired() {
		r.note(c)
		return c, nil, nil
	}
	if ctx.Err() != nil {
		return c, ctx.Err(), err
	}
	fresh, missed := r.fresh(ctx)
	if missed == nil {
		return fresh, nil, nil
	}
	return c, missed, err
}

// keys returns credentials that are valid now, for a plugin; see plugin.Runner. Without
// such credentials the error says what to do.
func (r *Renewing) keys(ctx context.Context, refused string) (plugin.Credentials, error) {
	var c aws.Credentials
	var missed error
	if awsiam.Outdated(refused) {
		if c, missed = r.fresh(ctx); missed == nil && r.gave(c) {
			missed = errors.New(refused)
		}
	} else {
		c, missed, _ = r.newest(ctx)
	}
	switch {
	case ctx.Err() != nil:
		return plugin.Credentials{}, context.Cause(ctx)
	case missed != nil:
		return plugin.Credentials{}, fmt.Errorf("credentials have expired (%s); %s", strings.TrimRight(env.OneLine(missed), ".:"), r.remedy())
	case c.Expired():
		return plugin.Credentials{}, fmt.Errorf("credentials have expired; %s", r.remedy())
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.given = c
	return plugin.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: proxy.NewSecret(c.SecretAccessKey),
		SessionToken: proxy.NewSecret(c.SessionToken)}, nil
}

// Replace looks for credentials in place of those that AWS refused with the given code.
// Without others the error says what to do.
func (r *Renewing) Replace(ctx context.Context, refused string) error {
	_, err := r.keys(ctx, refused)
	return err
}

// gave reports whether the last result of keys was these credentials.
func (r *Renewing) gave(c aws.Credentials) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return c.AccessKeyID == r.given.AccessKeyID && c.SessionToken == r.given.SessionToken
}

// Renew looks for newer credentials; finding none is not an error.
func (r *Renewing) Renew(ctx context.Context) error {
	_, err := r.fresh(ctx)
	return err
}

func (r *Renewing) fresh(ctx context.Context) (aws.Credentials, error) {
	conf, err := r.load(ctx)
	if err != nil {
		return aws.Credentials{}, err
	}
	c, err := conf.Credentials.Retrieve(ctx)
	if err != nil {
		return c, err
	}
	r.mu.Lock()
	r.now = conf.Credentials
	r.mu.Unlock()
	r.note(c)
	return c, nil
}

func (r *Renewing) note(c aws.Credentials) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.until, r.fixed = time.Time{}, awsconf.FromEnvironment(c)
	if c.CanExpire {
		r.until = c.Expires
	}
}

// Expires returns the expiry of the last retrieved credentials, zero if they do not
// expire. It makes no call.
func (r *Renewing) Expires() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.until
}

const (
	announceAhead = 10 * time.Minute // how long before expiry newer credentials are looked for
	lookEvery     = 30 * time.Second
)

// Announce calls tell once before credentials expire without newer ones in sight, and
// once when they have expired, until ctx ends.
func (r *Renewing) Announce(ctx context.Context, tell func(note string)) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var told, over time.Time
	for {
		at := r.Expires()
		left := time.Until(at)
		switch {
		case at.IsZero() || left > announceAhead || at.Equal(over):
		case left <= 0:
			if r.runsOut(ctx, at) {
				over = at
				tell("credentials have expired; " + r.remedy() + ": a connection that is lost cannot be resumed")
			}
		case !at.Equal(told) && r.runsOut(ctx, at):
			told = at
			tell(fmt.Sprintf("credentials expire in %v; %s, or the tunnel cannot be resumed then", left.Round(time.Second), r.remedy()))
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// runsOut reports whether no credentials outlast the given time.
func (r *Renewing) runsOut(ctx context.Context, at time.Time) bool {
	fresh, err := r.fresh(ctx)
	return err != nil || fresh.CanExpire && !fresh.Expires.After(at)
}

// remedy says what to do about credentials that expire.
func (r *Renewing) remedy() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fixed {
		return "they are in the environment, so " + cmp.Or(r.Again, "open the tunnel") + " again with new ones"
	}
	if r.login != "" {
		return "log in again with " + r.login
	}
	return "log in again"
}

// IsOutdated reports whether AWS refused credentials that newer ones may replace.
func IsOutdated(err error) bool {
	var refused *proxy.Refused
	return errors.As(err, &refused) && awsiam.Outdated(refused.Code)
}
