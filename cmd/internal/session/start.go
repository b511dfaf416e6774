package session

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"ssmguard/cmd/internal/ask"
	"ssmguard/cmd/internal/awsconf"
	"ssmguard/cmd/internal/dial"
	"ssmguard/cmd/internal/exit"
	"ssmguard/guard"
	"ssmguard/guard/finding"
	"ssmguard/guard/policy"
	"ssmguard/proxy"
	"ssmguard/proxy/awsssm"
)

// StartOptions is a start-session command line, complete.
type StartOptions struct {
	*ask.Line
	World  *ask.World
	plugin func(context.Context) (proxy.Plugin, error) // an error means that no session could be carried
}

// newStart makes the options of a session that is to be carried as a configuration says.
func newStart(l *ask.Line, w *ask.World, conf *awsconf.Session) *StartOptions {
	o := &StartOptions{Line: l, World: w}
	o.plugin = func(ctx context.Context) (proxy.Plugin, error) {
		api := awsssm.New(conf.SSM, "")
		if o.Own.Engine != ask.EngineNative {
			return o.Runner(ctx, conf, api)
		}
		dial, err := dial.NewDialer(conf, api)
		if err != nil {
			return nil, err
		}
		return &nativeSession{Process: o.Process, Dialer: dial}, nil
	}
	return o
}

// run is a session from the question whether it may be to its end: ask, stop if
// it is denied, look whether it can be carried, open it, hand it over.
func (o *StartOptions) run(ctx context.Context) error {
	ready := o.preflight(ctx)
	decision, err := o.Judged(ctx)
	carrier := <-ready
	if err != nil {
		return err
	}
	if carrier.err != nil {
		return carrier.err
	}
	opened := o.Timings.Span("ssm:StartSession")
	session, err := o.World.Opener.Open(ctx)
	opened()
	if err != nil {
		return o.Refused(ctx, decision, err)
	}
	if ctx.Err() != nil {
		return errors.Join(context.Cause(ctx), proxy.End(ctx, o.World.Opener, session.ID)) // nobody can use it any more
	}
	if decision.Verdict() == policy.Allow {
		o.World.Evidence.RememberAllowed(ctx, decision.Request)
	}
	o.Timings.Print(o.Stderr)
	return carrier.plugin.Run(ctx, session, proxy.Streams{In: o.Stdin, Out: o.Stdout, Err: o.Stderr}, nil)
}

// carrier is a plugin that can be run, or why there is none.
type carrier struct {
	plugin proxy.Plugin
	err    error
}

// preflight looks, beside the guard's questions, at what would keep a session
// that has been opened from being used.
func (o *StartOptions) preflight(ctx context.Context) <-chan carrier {
	ready := make(chan carrier, 1)
	go func() {
		defer o.Timings.Span("preflight")()
		var c carrier
		if c.err = checkLocalPort(o.World.Spec.Parameters); c.err == nil {
			c.plugin, c.err = o.plugin(ctx)
		}
		ready <- c
	}()
	return ready
}

// Judged asks the guard, says what it found, and returns an error when the
// session must not be started. A guard that cannot ask stops nothing.
func (o *StartOptions) Judged(ctx context.Context) (guard.Decision, error) {
	unasked := guard.Decision{Request: o.World.Request}
	if o.Own.Guard == ask.GuardOff {
		return unasked, nil
	}
	if o.Own.Guard != ask.GuardStrict {
		if at, ok := o.World.Evidence.RecentlyAllowed(ctx, o.World.Request); ok {
			o.Log.Debug("allowed a moment ago", "at", at)
			return unasked, nil
		}
	}
	decision, err := o.Ask(ctx, o.World)
	switch {
	case ctx.Err() != nil:
		return decision, context.Cause(ctx)
	case err != nil && o.Own.Guard == ask.GuardStrict:
		return decision, fmt.Errorf("the guard could not ask, and --guard strict wants to know: %w", err)
	case err != nil && o.DropIn:
		o.Log.Debug("the guard could not ask", "err", err)
		return decision, nil
	case err != nil:
		fmt.Fprintf(o.Stderr, "ssmguard: warning: the guard could not ask: %v\n", err)
		return decision, nil
	}
	if err := o.tell(decision); err != nil {
		return decision, err
	}
	switch verdict := decision.Verdict(); {
	case !stops(o.Own.Guard, verdict):
		return decision, nil
	case verdict == policy.Unknown:
		return decision, exit.Coded("it could not be told whether the session is allowed; --guard strict stops it, --guard on would not", exit.Refused)
	default:
		Alternatives(ctx, o.Line, o.World, decision)
		return decision, exit.EndWith(exit.Refused)
	}
}

// tell says what the guard found. In the AWS CLI's place that is a denial only,
// after the words in which AWS would have refused.
func (o *StartOptions) tell(d guard.Decision) error {
	verdict := d.Verdict()
	if o.DropIn {
		if !verdict.Denies() && !stops(o.Own.Guard, verdict) {
			return nil
		}
		if refused := foreseen(d); refused != nil && stops(o.Own.Guard, verdict) {
			fmt.Fprint(o.Stderr, exit.AWSText(o.Line.Process, refused))
		}
	}
	return o.Show(d, false)
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
func stops(m ask.GuardMode, v policy.Verdict) bool {
	switch m {
	case ask.GuardOn:
		return v.Denies()
	case ask.GuardStrict:
		return v != policy.Allow
	default:
		return false
	}
}

// Refused prints AWS's refusal as the AWS CLI does, and what it means after it.
func (o *StartOptions) Refused(ctx context.Context, d guard.Decision, err error) error {
	var refused *proxy.Refused
	if !errors.As(err, &refused) || o.Own.Guard == ask.GuardOff {
		return err
	}
	fmt.Fprint(o.Stderr, exit.AWSText(o.Line.Process, refused))
	if advice := exit.CredentialAdvice(refused); advice != "" {
		fmt.Fprintf(o.Stderr, "ssmguard: %s\n", advice)
		return exit.EndWith(exit.Refused)
	}
	refusal, ok := finding.ParseRefusal(refused.Error())
	if !ok {
		return exit.EndWith(exit.Refused)
	}
	if len(d.Rulings) == 0 && refusal.Denied() {
		// An earlier run's answer let it pass; now the reason is wanted.
		o.World.Evidence.ForgetAllowed(ctx, o.World.Request)
		if asked, err := o.Ask(ctx, o.World); err == nil {
			d = asked
		}
	}
	if err := o.Show(newest(finding.Refused(d, refusal), d), false); err != nil {
		return err
	}
	return exit.EndWith(exit.Refused)
}

// newest returns a decision with only the findings that an earlier one has not.
func newest(d, earlier guard.Decision) guard.Decision {
	d.Findings = d.Findings[:len(d.Findings)-len(earlier.Findings)]
	return d
}
