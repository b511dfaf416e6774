package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"ssmguard/cmd/internal/awsconf"
	"ssmguard/guard"
	"ssmguard/guard/finding"
	"ssmguard/guard/policy"
	"ssmguard/proxy"
	"ssmguard/proxy/awsssm"
	"ssmguard/proxy/plugin"
)

// terminateTimeout bounds the clean-up of a session that could not be handed over.
const terminateTimeout = 5 * time.Second

// startOptions is a start-session command line, complete.
type startOptions struct {
	*sessionLine
	world  *world
	plugin func(context.Context) (proxy.Plugin, error) // an error means that no session could be carried
}

// newStart makes the options of a session that is to be carried as a configuration says.
func newStart(l *sessionLine, w *world, conf *awsconf.Session) *startOptions {
	o := &startOptions{sessionLine: l, world: w}
	o.plugin = func(ctx context.Context) (proxy.Plugin, error) {
		api := awsssm.New(conf.SSM, "")
		if o.own.Engine != engineNative {
			return o.runner(ctx, conf, api)
		}
		dial, err := newDialer(conf, api)
		if err != nil {
			return nil, err
		}
		return &nativeSession{process: o.process, dialer: dial}, nil
	}
	return o
}

// run is a session from the question whether it may be to its end: ask, stop if
// it is denied, look whether it can be carried, open it, hand it over.
func (o *startOptions) run(ctx context.Context) error {
	ready := o.preflight(ctx)
	decision, err := o.judged(ctx)
	carrier := <-ready
	if err != nil {
		return err
	}
	if carrier.err != nil {
		return carrier.err
	}
	opened := o.timings.span("ssm:StartSession")
	session, err := o.world.opener.Open(ctx, o.world.spec)
	opened()
	if err != nil {
		return o.refused(ctx, decision, err)
	}
	if ctx.Err() != nil {
		return o.abandon(session, context.Cause(ctx))
	}
	if decision.Verdict() == policy.Allow {
		o.world.evidence.RememberAllowed(ctx, decision.Request)
	}
	o.timings.print(o.stderr)
	return carrier.plugin.Run(ctx, session, proxy.Streams{In: o.stdin, Out: o.stdout, Err: o.stderr}, nil)
}

// carrier is a plugin that can be run, or why there is none.
type carrier struct {
	plugin proxy.Plugin
	err    error
}

// preflight looks, beside the guard's questions, at what would keep a session
// that has been opened from being used.
func (o *startOptions) preflight(ctx context.Context) <-chan carrier {
	ready := make(chan carrier, 1)
	go func() {
		defer o.timings.span("preflight")()
		var c carrier
		if c.err = checkLocalPort(o.world.spec.Parameters); c.err == nil {
			c.plugin, c.err = o.plugin(ctx)
		}
		ready <- c
	}()
	return ready
}

// judged asks the guard, says what it found, and returns an error when the
// session must not be started. A guard that cannot ask stops nothing.
func (o *startOptions) judged(ctx context.Context) (guard.Decision, error) {
	unasked := guard.Decision{Request: o.world.request}
	if o.own.Guard == guardOff {
		return unasked, nil
	}
	if o.own.Guard != guardStrict {
		if at, ok := o.world.evidence.RecentlyAllowed(ctx, o.world.request); ok {
			o.log.Debug("allowed a moment ago", "at", at)
			return unasked, nil
		}
	}
	decision, err := o.ask(ctx, o.world)
	switch {
	case ctx.Err() != nil:
		return decision, context.Cause(ctx)
	case err != nil && o.own.Guard == guardStrict:
		return decision, fmt.Errorf("the guard could not ask, and --guard strict wants to know: %w", err)
	case err != nil && o.dropIn:
		o.log.Debug("the guard could not ask", "err", err)
		return decision, nil
	case err != nil:
		fmt.Fprintf(o.stderr, "ssmguard: warning: the guard could not ask: %v\n", err)
		return decision, nil
	}
	if err := o.tell(decision); err != nil {
		return decision, err
	}
	switch verdict := decision.Verdict(); {
	case !o.own.Guard.stops(verdict):
		return decision, nil
	case verdict == policy.Unknown:
		return decision, coded("it could not be told whether the session is allowed; --guard strict stops it, --guard on would not", exitRefused)
	default:
		o.alternatives(ctx, o.world, decision)
		return decision, endWith(exitRefused)
	}
}

// tell says what the guard found. In the AWS CLI's place that is a denial only,
// after the words in which AWS would have refused.
func (o *startOptions) tell(d guard.Decision) error {
	verdict := d.Verdict()
	if o.dropIn {
		if !verdict.Denies() && !o.own.Guard.stops(verdict) {
			return nil
		}
		if refused := foreseen(d); refused != nil && o.own.Guard.stops(verdict) {
			fmt.Fprint(o.stderr, o.awsText(refused))
		}
	}
	return o.show(d, false)
}

// foreseen is the refusal that StartSession, or ExecuteCommand, would give for a
// denied decision, nil if nothing is denied.
func foreseen(d guard.Decision) *proxy.Refused {
	for _, r := range d.Rulings {
		if r.Grant.Advisory || !r.Answer.Verdict.Denies() {
			continue
		}
		_, operation, _ := strings.Cut(r.Grant.Action, ":")
		return &proxy.Refused{Code: "AccessDeniedException", Operation: operation,
			Message: fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s",
				d.Request.Caller.SessionARN, r.Grant.Action, r.Grant.Resource)}
	}
	return nil
}

// stops tells whether a session with this verdict must not be started.
func (m guardMode) stops(v policy.Verdict) bool {
	switch m {
	case guardOn:
		return v.Denies()
	case guardStrict:
		return v != policy.Allow
	default:
		return false
	}
}

// refused prints AWS's refusal as the AWS CLI does, and what it means after it.
func (o *startOptions) refused(ctx context.Context, d guard.Decision, err error) error {
	var refused *proxy.Refused
	if !errors.As(err, &refused) || o.own.Guard == guardOff {
		return err
	}
	fmt.Fprint(o.stderr, o.awsText(refused))
	if advice := credentialAdvice(refused); advice != "" {
		fmt.Fprintf(o.stderr, "ssmguard: %s\n", advice)
		return endWith(exitRefused)
	}
	refusal, ok := finding.ParseRefusal(refused.Error())
	if !ok {
		return endWith(exitRefused)
	}
	if len(d.Rulings) == 0 && refusal.Denied() {
		// An earlier run's answer let it pass; now the reason is wanted.
		o.world.evidence.ForgetAllowed(ctx, o.world.request)
		if asked, err := o.ask(ctx, o.world); err == nil {
			d = asked
		}
	}
	if err := o.show(newest(finding.Refused(d, refusal), d), false); err != nil {
		return err
	}
	return endWith(exitRefused)
}

// newest returns a decision with only the findings that an earlier one has not.
func newest(d, earlier guard.Decision) guard.Decision {
	d.Findings = d.Findings[:len(d.Findings)-len(earlier.Findings)]
	return d
}

// abandon ends a session that was opened and nobody can use any more. It returns
// why that is so and, joined to it, a *plugin.LeftRunningError if it failed.
func (o *startOptions) abandon(s *proxy.Session, why error) error {
	ctx, cancel := context.WithTimeout(context.Background(), terminateTimeout)
	defer cancel()
	if err := o.world.opener.Terminate(ctx, s.ID); err != nil {
		return errors.Join(why, &plugin.LeftRunningError{ID: s.ID, Err: err})
	}
	return why
}
