package cli

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"time"

	"ssmguard/cmd/internal/awscli"
	"ssmguard/cmd/internal/awsconf"
	"ssmguard/cmd/internal/report"
	"ssmguard/guard"
	"ssmguard/guard/finding"
	"ssmguard/guard/repair"
)

// guardDeadline bounds everything the guard asks before a session.
const guardDeadline = 10 * time.Second

// sessionLine is a command line about one session: the AWS CLI's grammar with
// our own options taken out.
type sessionLine struct {
	*process
	own     ownOptions
	words   []string // the command line without our own options
	call    *awscli.Invocation
	dropIn  bool // typed for the AWS CLI: nothing may differ from it
	log     *slog.Logger
	timings *timings // nil unless asked for
}

// sessionLine parses the words after `aws`.
func (p *process) sessionLine(words []string) (*sessionLine, error) {
	return p.readLine(words, false)
}

// readLine parses the words after `aws`. A lenient reading does not ask for
// options that the AWS CLI requires.
func (p *process) readLine(words []string, lenient bool) (*sessionLine, error) {
	own, rest, err := takeOwn(words, p.getenv)
	if err != nil {
		return nil, err
	}
	call, err := awscli.Parse(rest, awscli.Env{Lookup: p.lookup, ReadFile: os.ReadFile, Lenient: lenient})
	var globals awscli.Globals
	if call != nil {
		globals = call.Globals
	}
	p.errorFormat, p.profileExists = awsconf.ErrorFormat(globals, p.lookup), awsconf.ProfileExists(globals.Profile, p.lookup)
	p.profile = awsconf.ProfileName(globals.Profile, p.lookup)
	if err != nil {
		return nil, err
	}
	l := &sessionLine{process: p, own: own, words: rest, call: call, log: slog.New(slog.DiscardHandler)}
	if call.Globals.Debug {
		l.log = slog.New(slog.NewTextHandler(p.stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	if own.Timings {
		l.timings = newTimings()
	}
	return l, nil
}

// ask lets the guard decide, within guardDeadline. An error means that it could
// not ask.
func (l *sessionLine) ask(ctx context.Context, w *world) (guard.Decision, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, guardDeadline, errors.New("no answer within "+guardDeadline.String()))
	defer cancel()
	defer l.showStatus("asking IAM about " + w.request.Target)()
	defer l.timings.span("guard")()
	d, err := w.check(ctx)
	if err == nil && d.Verdict().Denies() && w.evidence.Cached() {
		w.evidence.Refresh() // only what is read now may stop a session
		d, err = w.check(ctx)
	}
	return d, err
}

// check finds the caller and asks every judge.
func (w *world) check(ctx context.Context) (guard.Decision, error) {
	r := w.request
	w.evidence.Prefetch(ctx, r)
	caller, err := w.evidence.Caller(ctx)
	if caller.SessionARN == "" {
		return guard.Decision{Request: r}, err
	}
	// Without the right to read more than that, the judges say what they miss.
	r.Caller = caller
	return judged(ctx, w.guard, r)
}

// judged asks every judge, and explains what they found, with repairs.
func judged(ctx context.Context, g *guard.Guard, r guard.Request) (guard.Decision, error) {
	d, err := g.Check(ctx, r)
	return repair.Propose(finding.Explain(d)), err
}

// show renders a decision for people, on stderr.
func (l *sessionLine) show(d guard.Decision, checkOnly bool) error {
	colour := l.errTerminal && l.getenv("NO_COLOR") == ""
	return render(report.NewText(l.stderr, l.errWidth, colour), d, checkOnly)
}

func render(h report.Handler, d guard.Decision, checkOnly bool) error {
	if err := h.Config(report.Config{Protocol: report.Protocol, CheckOnly: checkOnly}); err != nil {
		return err
	}
	if err := h.Decision(d); err != nil {
		return err
	}
	return h.Close()
}

// request is a command line as the guard sees it, its caller not yet known.
func request(in awscli.Input, region string) guard.Request {
	return guard.Request{Region: region, Target: in.Target, Document: in.DocumentName, Parameters: parameters(in)}
}

func parameters(in awscli.Input) map[string][]string {
	if in.Parameters == nil {
		return nil
	}
	m := make(map[string][]string, len(in.Parameters))
	for _, p := range in.Parameters {
		m[p.Name] = p.Values
	}
	return m
}
