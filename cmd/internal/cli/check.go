package cli

import (
	"context"
	"io"

	"ssmguard/cmd/internal/awscli"
	"ssmguard/cmd/internal/report"
	"ssmguard/guard"
	"ssmguard/guard/policy"
)

// checkOptions is a check command line, complete.
type checkOptions struct {
	*sessionLine
	files  fileOptions
	decide func(context.Context) (guard.Decision, error)
	more   func(context.Context, guard.Decision) // what there is to say to a person after the decision
	close  func()
}

// check runs the words after `check`.
func (p *process) check(ctx context.Context, words []string) error {
	o := checkOptions{close: func() {}, more: func(context.Context, guard.Decision) {}}
	words, err := take(&o.files, fileTable, words, p.getenv)
	if err != nil {
		return err
	}
	if o.files.Matrix != "" {
		return p.checkMatrix(ctx, o.files, words)
	}
	o.sessionLine, err = p.sessionLine(append([]string{"ssm", "start-session"}, words...))
	if err != nil {
		return ownVoice("check", err, checkFlags()...)
	}
	if o.call.Command == awscli.Help {
		return errHelp
	}
	if err := o.complete(ctx); err != nil {
		return ownVoice("check", err, checkFlags()...)
	}
	defer o.close()
	return o.run(ctx)
}

func (o *checkOptions) complete(ctx context.Context) error {
	if o.call.Command != awscli.StartSession {
		return usagef("check takes the options of a session; see %q", "ssmguard help check")
	}
	if err := o.files.check(); err != nil {
		return err
	}
	if len(o.files.Files) > 0 {
		if err := o.call.Validate(); err != nil {
			return err
		}
		if err := needsID(o.call.Input.Target); err != nil {
			return err
		}
		reading, err := o.files.read(o.stderr)
		if err != nil {
			return err
		}
		r := request(o.call.Input, o.plainRegion())
		o.decide = func(ctx context.Context) (guard.Decision, error) { return o.files.decide(ctx, reading, r) }
		return nil
	}
	w, _, err := o.connect(ctx)
	if err != nil {
		return err
	}
	w.request.Context = o.files.Context
	o.close = w.evidence.Close
	o.decide = func(ctx context.Context) (guard.Decision, error) { return o.ask(ctx, w) }
	if o.files.WhatIf.asked() {
		added, err := readPolicies(o.files.WhatIf.add)
		if err != nil {
			o.close()
			return coded(err.Error(), exitConfig)
		}
		added.tellLeftOut(o.stderr)
		source, unread, err := o.files.WhatIf.overlay(ctx, w.policies, guard.Caller{}, added)
		if err != nil {
			o.close()
			return err
		}
		// IAM's simulation knows the policies as they are; only the local judge can be asked.
		w.guard.Simulators = []guard.Simulator{guard.Local{Source: source}}
		o.decide = func(ctx context.Context) (guard.Decision, error) {
			d, err := o.ask(ctx, w)
			return added.qualify(d, unread), err
		}
	}
	o.more = func(ctx context.Context, d guard.Decision) { o.alternatives(ctx, w, d) }
	return nil
}

// run asks the guard and says what it answered; nothing is started.
func (o *checkOptions) run(ctx context.Context) error {
	decision, err := o.decide(ctx)
	if err != nil {
		return err
	}
	if h := o.files.handler(o.stdout); h != nil {
		err = render(h, decision, true)
	} else {
		err = o.show(decision, true)
		o.more(ctx, decision)
	}
	if err != nil {
		return err
	}
	o.timings.print(o.stderr)
	return o.files.met(decision.Verdict())
}

// handler returns the renderer of a format for programs, nil for text.
func (o *fileOptions) handler(stdout io.Writer) report.Handler {
	switch o.Output {
	case "json":
		return report.NewJSON(stdout)
	case "sarif":
		paths := make([]string, len(o.Files))
		for i, f := range o.Files {
			paths[i] = f.path
		}
		return report.NewSARIF(stdout, paths)
	default:
		return nil
	}
}

// plainRegion is the region of a question that no AWS configuration answers.
func (l *sessionLine) plainRegion() string {
	if r := l.call.Globals.Region; r != nil && *r != "" {
		return *r
	}
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
		if r := l.getenv(name); r != "" {
			return r
		}
	}
	return "us-east-1"
}

// verdictStatus returns check's exit code for a verdict.
func verdictStatus(v policy.Verdict) error {
	switch {
	case v == policy.Allow:
		return nil
	case v.Denies():
		return endWith(exitCheckDenied)
	default:
		return endWith(exitUndecided)
	}
}
