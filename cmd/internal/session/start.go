package session

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"

	"ssmguard/cmd/internal/ask"
	"ssmguard/cmd/internal/awsconf"
	"ssmguard/cmd/internal/dial"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/configs"
	"ssmguard/guard"
	"ssmguard/guard/finding"
	"ssmguard/guard/policy"
	"ssmguard/internal/nettext"
	"ssmguard/internal/peer"
	"ssmguard/internal/safetext"
	"ssmguard/proxy"
	"ssmguard/proxy/awsssm"
	"ssmguard/proxy/channel"
	"ssmguard/proxy/plugin"
)

// Attempt is one session to open: its command line and the guard's question.
type Attempt struct {
	Line     *ask.Line
	Question *ask.Question
}

// start runs an Attempt, from the guard's question to the session's end.
type start struct {
	attempt Attempt
	plugin  func(context.Context) (proxy.Plugin, error) // an error means that there is no usable plugin
}

// newStart returns a start for a session with the given configuration.
func newStart(l *ask.Line, w *ask.Question, conf *awsconf.Session) *start {
	return &start{Attempt{l, w}, func(ctx context.Context) (proxy.Plugin, error) {
		api := awsssm.New(conf.SSM)
		if l.Own.Engine != configs.EngineNative {
			return l.Runner(ctx, conf, api)
		}
		dialer, err := dial.NewDialer(conf, api)
		if err != nil {
			return nil, err
		}
		if credentials, ok := conf.Credentials.(*ask.Renewing); ok { // none with --no-sign-request
			dialer.Renew = func(ctx context.Context, code string) error {
				if err := credentials.Replace(ctx, code); err != nil {
					return fmt.Errorf("%w: %w", channel.ErrRefused, err)
				}
				return nil
			}
		}
		return &nativeSession{process: l.Process, dialer: dialer, anyPeer: l.Own.Peer == configs.PeerAny, speaks: l.Own.PluginOutput}, nil
	}}
}

// run asks the guard, stops if the session is denied, checks that a plugin can carry
// it, opens it and hands it to the plugin.
func (s *start) run(ctx context.Context) error {
	line, question := s.attempt.Line, s.attempt.Question
	ready := s.preflight(ctx)
	decision, err := s.attempt.Judged(ctx)
	carrier := <-ready
	if err != nil {
		return err
	}
	if carrier.err != nil {
		return carrier.err
	}
	warnOfHost(line.Process.Notes(), question.Spec)
	if own := line.Own; own.Engine != configs.EngineNative && own.Peer != configs.PeerAny && !line.DropIn {
		warnOfOthers(line.Process.Notes(), question.Spec, peer.Others)
	}
	if line.Own.Engine != configs.EngineNative {
		warnOfPipe(runtime.GOOS, line.Process.Stderr, question.Spec, env.IsTerminal(line.Process.Stdin))
	}
	opened := line.Timings.Span("ssm:StartSession")
	begun := line.Process.ShowStatus("starting the session on "+question.Request.Target, 0)
	defer begun()
	session, err := question.Opener.Open(ctx)
	opened()
	runner, embedded := carrier.plugin.(*plugin.Runner)
	embedded = embedded && !runner.External()
	if err != nil || !embedded || line.Timings != nil {
		begun()
	}
	if err != nil {
		return s.attempt.Refused(ctx, decision, err)
	}
	if ctx.Err() != nil {
		return errors.Join(context.Cause(ctx), proxy.End(ctx, question.Opener, session.ID)) // the session cannot be used any more
	}
	if decision.Verdict() == policy.Allow {
		question.Evidence.RememberAllowed(ctx, decision.Request, decision.Facts.SessionType)
	}
	session.Spec.SessionType = decision.Facts.SessionType
	line.Timings.Print(line.Process.Stderr)
	if embedded { // until its first line, which its own process writes
		runner.Begins = begun
	}
	return carrier.plugin.Run(ctx, session, proxy.Streams{In: line.Process.Stdin, Out: line.Process.Stdout, Err: line.Process.Stderr}, nil)
}

// carrier is a usable plugin, or the reason why there is none.
type carrier struct {
	plugin proxy.Plugin
	err    error
}

// preflight checks, in parallel with the guard, that the session can be used once it is
// open.
func (s *start) preflight(ctx context.Context) <-chan carrier {
	ready := make(chan carrier, 1)
	go func() {
		defer s.attempt.Line.Timings.Span("preflight")()
		var c carrier
		if c.err = checkLocalPort(s.attempt.Question.Spec.Parameters); c.err == nil {
			c.plugin, c.err = s.plugin(ctx)
		}
		ready <- c
	}()
	return ready
}

// Judged asks the guard, prints its decision, and returns an error when the session
// must not be started. If the guard cannot ask, only --guard strict stops the session.
func (a Attempt) Judged(ctx context.Context) (guard.Decision, error) {
	unasked := guard.Decision{Request: a.Question.Request}
	if a.Line.Own.Guard == configs.GuardOff {
		return unasked, nil
	}
	if a.Line.Own.Guard != configs.GuardStrict {
		if recent, ok := a.Question.Evidence.RecentlyAllowed(ctx, a.Question.Request); ok {
			a.Line.Log.Debug("allowed a moment ago", "at", recent.At)
			unasked.Facts.SessionType = recent.SessionType
			return unasked, nil
		}
	}
	decision, err := a.Line.Ask(ctx, a.Question)
	switch {
	case ctx.Err() != nil:
		return decision, context.Cause(ctx)
	case err != nil && a.Line.Own.Guard == configs.GuardStrict:
		return decision, fmt.Errorf("the guard could not ask, and --guard strict needs an answer: %w", err)
	case err != nil && a.Line.DropIn:
		a.Line.Log.Debug("the guard could not ask", "err", err)
		return decision, nil
	case err != nil:
		safetext.Fprintf(a.Line.Process.Notes(), "ssmguard: warning: the guard could not ask: %s\n", nettext.Of(err))
		return decision, nil
	}
	if err := a.tell(decision); err != nil {
		return decision, err
	}
	switch verdict := decision.Verdict(); {
	case !stops(a.Line.Own.Guard, verdict):
		return decision, nil
	case verdict == policy.Unknown:
		return decision, exit.Coded("it is not known whether the session is allowed; --guard strict stops it, --guard on would not", exit.Refused)
	default:
		Alternatives(ctx, a.Line, a.Question, decision)
		return decision, exit.EndWith(exit.Refused)
	}
}

// tell prints the guard's decision. For a command line of the AWS CLI it prints a
// denial only, after the message with which AWS would have refused.
func (a Attempt) tell(d guard.Decision) error {
	verdict := d.Verdict()
	if a.Line.DropIn {
		if !verdict.Denies() && !stops(a.Line.Own.Guard, verdict) {
			return nil
		}
		if refused := foreseenRefusal(d); refused != nil && stops(a.Line.Own.Guard, verdict) {
			exit.PrintAWS(a.Line.Process, refused)
		}
	}
	return a.Line.Show(d, false)
}

// foreseenRefusal is AWS's refusal of StartSession or ExecuteCommand for a denied
// decision, nil if nothing is denied.
func foreseenRefusal(d guard.Decision) *proxy.Refused {
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

// stops reports whether a session with this verdict must not be started.
func stops(m configs.GuardMode, v policy.Verdict) bool {
	switch m {
	case configs.GuardOn:
		return v.Denies()
	case configs.GuardStrict:
		return v != policy.Allow
	default:
		return false
	}
}

// Refused prints AWS's refusal as the AWS CLI does, and then its explanation. An
// attempt without a question was refused before there was one.
func (a Attempt) Refused(ctx context.Context, d guard.Decision, err error) error {
	var refused *proxy.Refused
	if !errors.As(err, &refused) || a.Line.Own.Guard == configs.GuardOff {
		return err
	}
	exit.PrintAWS(a.Line.Process, err)
	if advice := exit.CredentialAdvice(a.Line.Process, refused); advice != "" {
		safetext.Fprintf(a.Line.Process.Notes(), "ssmguard: %s\n", advice)
		return exit.EndWith(exit.Refused)
	}
	refusal, ok := finding.ParseRefusal(refused.Error())
	if !ok {
		return exit.EndWith(exit.Refused)
	}
	if len(d.Rulings) == 0 && refusal.Denied() && a.Question != nil {
		// The cached answer of an earlier run allowed it; the reason is read anew.
		a.Question.Evidence.ForgetAllowed(ctx, a.Question.Request)
		if asked, err := a.Line.Ask(ctx, a.Question); err == nil {
			d = asked
		}
	}
	if err := a.Line.ShowFindings(newest(finding.Refused(d, refusal), d)); err != nil {
		return err
	}
	return exit.EndWith(exit.Refused)
}

// newest returns a decision with only the findings that an earlier one does not have.
func newest(d, earlier guard.Decision) guard.Decision {
	d.Findings = d.Findings[:len(d.Findings)-len(earlier.Findings)]
	return d
}
