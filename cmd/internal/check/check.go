package check

import (
	"cmp"
	"context"
	"errors"
	"io"

	"ssmguard/cmd/internal/ask"
	"ssmguard/cmd/internal/awscli"
	"ssmguard/cmd/internal/command"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/policyfile"
	"ssmguard/cmd/internal/report"
	"ssmguard/cmd/internal/session"
	"ssmguard/guard"
	"ssmguard/internal/safetext"
)

// checkOptions is a check command line, complete.
type checkOptions struct {
	Line   *ask.Line
	files  fileOptions
	decide func(context.Context) (guard.Decision, error)
	again  func(context.Context, []policyfile.File) (guard.Decision, error) // decides on other texts of the policy files
	more   func(context.Context, guard.Decision)                            // what there is to say to a person after the decision
	close  func()
}

// Run runs the words after `check`.
func Run(ctx context.Context, p *env.Process, words []string) error {
	o := checkOptions{close: func() {}, more: func(context.Context, guard.Decision) {}}
	typed := words
	words, err := command.Take(o.files.flags(), words, p.Getenv)
	if err != nil {
		return err
	}
	if o.files.Case != "" {
		return o.runCase(ctx, p, words)
	}
	many := o.files.Matrix != "" || o.files.Example
	if many && o.files.Fix.asked() {
		return exit.Usagef("--fix and --diff are for one request, not for --matrix")
	}
	if many {
		return checkMatrix(ctx, p, o.files, words)
	}
	o.Line, err = ask.ReadSession(p, words, false)
	if err != nil {
		return err
	}
	if o.Line.Call.Command == awscli.Help {
		return command.ErrHelp
	}
	o.Line.Check = typed
	if err := o.complete(ctx); err != nil {
		return err
	}
	defer o.close()
	return o.run(ctx)
}

func (o *checkOptions) complete(ctx context.Context) error {
	if o.Line.Call.Command != awscli.StartSession {
		return exit.Usagef("check takes the options of a session; see %q", "ssmguard help check")
	}
	if err := o.files.check(); err != nil {
		return err
	}
	if err := o.files.checkFix(); err != nil {
		return err
	}
	if len(o.files.Files) > 0 {
		if err := o.Line.Call.Validate(); err != nil {
			return err
		}
		if err := ask.NeedsID(o.Line.Call.Input.Target); err != nil {
			return err
		}
		region, err := statedRegion(o.Line)
		if err != nil {
			return err
		}
		reading, err := o.files.read(o.Line.Process, o.files.Principal)
		if err != nil {
			return err
		}
		r := ask.Request(o.Line.Call.Input, region)
		o.decide = func(ctx context.Context) (guard.Decision, error) { return o.files.decide(ctx, reading, r) }
		o.again = func(ctx context.Context, files []policyfile.File) (guard.Decision, error) {
			changed := o.files
			changed.Files = files
			reading, err := changed.read(&env.Process{Stderr: io.Discard}, o.files.Principal)
			if err != nil {
				return guard.Decision{}, err
			}
			return changed.decide(ctx, reading, r)
		}
		return nil
	}
	w, conf, err := o.Line.Connect(ctx)
	if err != nil {
		if conf != nil && o.files.Output == "ask" {
			return errors.Join(o.forwardLookup(ctx, conf, err), err)
		}
		return err
	}
	w.Request.Context = o.files.Context
	o.close = w.Evidence.Close
	o.decide = func(ctx context.Context) (guard.Decision, error) { return o.Line.Ask(ctx, w) }
	if o.files.WhatIf.asked() {
		added, err := policyfile.Read(o.files.WhatIf.add, policyfile.Known{Parameters: o.files.Parameters})
		if err != nil {
			o.close()
			return exit.WithCode(err, exit.Config)
		}
		added.TellLeftOut(o.Line.Process.Notes())
		added = added.AsAnybodys() // they are asked about whoever has them by now
		source, unread, err := o.files.WhatIf.overlay(ctx, w.Policies, guard.Caller{}, added)
		if err != nil {
			o.close()
			return err
		}
		w.Guard.Simulators = append(o.files.WhatIf.simulators(w.Guard.Simulators, source), guard.Local{Source: source})
		o.decide = func(ctx context.Context) (guard.Decision, error) {
			d, err := o.Line.Ask(ctx, w)
			return added.Qualify(d, unread), err
		}
	}
	o.more = func(ctx context.Context, d guard.Decision) { session.Alternatives(ctx, o.Line, w, d) }
	return nil
}

// tellAssumed says who was taken for the caller of policies in files, where nobody said who.
func (o *checkOptions) tellAssumed(r guard.Request) {
	if len(o.files.Files) > 0 && o.files.Principal == "" {
		safetext.Fprintf(o.Line.Process.Notes(), "ssmguard: note: no --principal is stated, so a user of account %s asks, to whom the policies are attached\n", r.Caller.Account)
	}
}

// run asks the guard and says what it answered; nothing is started.
func (o *checkOptions) run(ctx context.Context) error {
	decision, err := o.decide(ctx)
	if err != nil {
		return err
	}
	if o.files.SaveCase != "" {
		if err := o.save(decision); err != nil {
			return err
		}
	}
	if h := o.files.handler(o.Line.Process.Stdout); h != nil {
		err = ask.Render(h, decision, true)
	} else {
		err = o.Line.Show(decision, true)
		o.tellAssumed(decision.Request)
		o.more(ctx, decision)
	}
	if err != nil {
		return err
	}
	o.Line.Timings.Print(o.Line.Process.Stderr)
	if o.files.Fix.asked() {
		return o.mend(ctx, decision)
	}
	return o.files.met(decision.Verdict())
}

// handler returns the renderer of a format for programs, nil for text.
func (o *fileOptions) handler(stdout io.Writer) report.Handler {
	switch o.Output {
	case "json":
		return report.NewJSON(stdout)
	case "sarif", "github":
		paths := make([]string, len(o.Files))
		for i, f := range o.Files {
			paths[i] = f.Path
		}
		if o.Output == "github" {
			return report.NewGitHub(stdout, paths)
		}
		return report.NewSARIF(stdout, paths)
	case "html":
		return report.NewHTML(stdout)
	case "ask":
		return report.NewForward(stdout, cmp.Or(o.SaveCase, o.Case))
	default:
		return nil
	}
}

// statedRegion returns the region of a question about policy files: that of the command
// line, the environment or the profile, else of a document's ARN, "" if nobody stated it.
// What is no region's name is refused, for it goes into policies.
func statedRegion(l *ask.Line) (string, error) {
	region := cmp.Or(l.Process.AWSFiles().Region(l.Call.Globals), guard.ArnField(l.Call.Input.DocumentName, guard.FieldRegion))
	if region != "" && !guard.IsRegion(region) {
		return "", exit.Usagef("--region %s: that is no region's name", safetext.Line(region))
	}
	return region, nil
}
