package ask

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"slices"
	"time"

	"ssmguard/cmd/internal/awscli"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/report"
	"ssmguard/guard"
	"ssmguard/guard/finding"
	"ssmguard/guard/repair"
	"ssmguard/internal/safetext"
)

// guardDeadline is the time limit for all of the guard's questions before a session.
const guardDeadline = 10 * time.Second

// Line is one session to ask about: the connection to AWS, the session to start, and
// our own options. Read makes a Line from a command line, New from values.
type Line struct {
	Process *env.Process
	Own     OwnOptions
	Call    *awscli.Invocation
	Words   []string // the command line without our own options
	Check   []string // the words with which `ssmguard check` asks the same; nil for those of Words
	DropIn  bool     // a command line of the AWS CLI: everything is done as the CLI does it
	Log     *slog.Logger
	Timings *timings // nil without --timings
}

// Read parses the words after `aws`.
func Read(p *env.Process, words []string) (*Line, error) {
	return ReadLine(p, words, false)
}

// ReadLine parses the words after `aws`. A lenient reading does not ask for
// options that the AWS CLI requires.
func ReadLine(p *env.Process, words []string, lenient bool) (*Line, error) {
	own, rest, err := TakeOwn(words, p.Getenv)
	if err != nil {
		return nil, err
	}
	call, err := awscli.Parse(rest, awscli.Env{Lookup: p.Lookup, ReadFile: os.ReadFile, Lenient: lenient})
	l := New(p, own, call)
	l.Words = rest
	if err != nil {
		return nil, err
	}
	return l, nil
}

// ReadSession parses the words after a command of ours that has the options of
// start-session.
func ReadSession(p *env.Process, words []string, lenient bool) (*Line, error) {
	return ReadLine(p, append([]string{"ssm", "start-session"}, words...), lenient)
}

// New returns the Line of a session whose parts are all known.
func New(p *env.Process, own OwnOptions, call *awscli.Invocation) *Line {
	g := call.Globals
	profile, exists := p.AWSFiles().Profile(g.Profile)
	p.Asked = env.Asked{Profile: profile, NoProfile: !exists, Region: p.Asked.Region, ErrorFormat: p.AWSFiles().ErrorFormat(g)}
	l := &Line{Process: p, Own: own, Call: call, Log: slog.New(slog.DiscardHandler)}
	if g.Debug {
		l.Log = slog.New(slog.NewTextHandler(safetext.NewLog(p.Stderr), &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	if own.Timings {
		l.Timings = newTimings()
	}
	return l
}

// Ask lets the guard decide, within guardDeadline. An error means that the guard could
// not ask.
func (l *Line) Ask(ctx context.Context, w *Question) (guard.Decision, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, guardDeadline, errors.New("no answer within "+guardDeadline.String()))
	defer cancel()
	defer l.Process.ShowStatus("asking IAM about "+w.Request.Target, guardDeadline)()
	defer l.Timings.Span("guard")()
	d, err := w.Check(ctx)
	if err == nil && d.Verdict().Denies() && w.Evidence.Cached() {
		w.Evidence.Refresh() // a cached answer never stops a session
		d, err = w.Check(ctx)
	}
	return d, err
}

// Check identifies the caller and asks every judge.
func (w *Question) Check(ctx context.Context) (guard.Decision, error) {
	r := w.Request
	w.Evidence.Prefetch(ctx, r)
	caller, err := w.Evidence.Caller(ctx)
	if caller.SessionARN == "" {
		return guard.Decision{Request: r}, err
	}
	// If nothing more may be read, the judges say what they lack.
	r.Caller = caller
	return Judged(ctx, w.Guard, r)
}

// Judged asks every judge, and adds findings and repairs to the decision.
func Judged(ctx context.Context, g *guard.Guard, r guard.Request) (guard.Decision, error) {
	d, err := g.Check(ctx, r)
	if err != nil {
		return d, err
	}
	return repair.Propose(finding.Explain(d)), nil
}

// Show prints a decision as text on stderr. Of a denial that the caller cannot mend it names
// the command whose output is to be forwarded.
func (l *Line) Show(d guard.Decision, checkOnly bool) error {
	if err := render(l.Text(), d, report.Config{CheckOnly: checkOnly}); err != nil {
		return err
	}
	if command := l.forwards(d); command != "" {
		safetext.Fprintf(l.Process.Notes(), "ssmguard: a message to forward is printed by: %s\n", command)
	}
	return nil
}

// forwards returns the command that prints what to forward to others who have to act on a
// denial, "" where there are none.
func (l *Line) forwards(d guard.Decision) string {
	if !d.Verdict().Denies() || !slices.ContainsFunc(d.Findings, func(f guard.Finding) bool { return f.Level == guard.Error && f.Fix != nil && f.Fix.Ask != "" }) {
		return ""
	}
	words := l.Check
	switch {
	case words != nil:
	case len(l.Words) > 2 && l.Words[0] == "ssm":
		words = l.Words[2:]
	case len(l.Words) == 0:
		in, g := l.Call.Input, l.Call.Globals
		for option, value := range map[string]*string{"--target": &in.Target, "--document-name": &in.DocumentName, "--profile": g.Profile, "--region": g.Region} {
			if value != nil && *value != "" {
				words = append(words, option+"="+*value)
			}
		}
		slices.Sort(words)
	default:
		return "" // a command in a task, which check does not know
	}
	return safetext.Words(slices.Concat([]string{"ssmguard", "check"}, words, []string{"--output", "ask"}))
}

// ShowFindings prints the findings of a decision as text on stderr, one by one.
func (l *Line) ShowFindings(d guard.Decision) error {
	return render(l.Text(), d, report.Config{EachFinding: true})
}

// Text returns what writes text for people on stderr.
func (l *Line) Text() *report.Text {
	p := l.Process
	style := report.Style{Width: p.ErrWidth, Colour: p.ErrTerminal && p.Colour(), ASCII: !p.Unicode()}
	return report.NewText(p.Stderr, style)
}

// Render passes a decision to a handler. Where the verdict is the answer, or stops a
// session, its repairs are made one.
func Render(h report.Handler, d guard.Decision, checkOnly bool) error {
	return render(h, d, report.Config{CheckOnly: checkOnly})
}

func render(h report.Handler, d guard.Decision, c report.Config) error {
	if c.CheckOnly || d.Verdict().Denies() && !c.EachFinding {
		d = repair.Merge(d)
	}
	c.Protocol = report.Protocol
	if err := h.Config(c); err != nil {
		return err
	}
	if err := h.Decision(d); err != nil {
		return err
	}
	return h.Close()
}

// Request returns the guard's request for a command line, without a caller.
func Request(in awscli.Input, region string) guard.Request {
	return guard.Request{Region: region, Target: in.Target, Document: in.DocumentName, Parameters: Parameters(in)}
}

// Parameters returns the document's parameters as StartSession takes them.
func Parameters(in awscli.Input) map[string][]string {
	if in.Parameters == nil {
		return nil
	}
	m := make(map[string][]string, len(in.Parameters))
	for _, p := range in.Parameters {
		m[p.Name] = p.Values
	}
	return m
}
