package check

import (
	"context"
	"time"

	"ssmguard/cmd/internal/ask"
	"ssmguard/cmd/internal/casefile"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/policyfile"
	"ssmguard/guard"
	"ssmguard/internal/safetext"
	"ssmguard/internal/usertext"
)

// save keeps a decision in the file of --save-case.
func (o *checkOptions) save(d guard.Decision) error {
	c, err := casefile.Of(d, time.Now())
	if err != nil {
		return err
	}
	if o.files.Redact {
		if c, err = c.Redact(); err != nil {
			return err
		}
	}
	if err := c.Write(o.files.SaveCase); err != nil {
		return exit.WithCode(err, exit.Config)
	}
	safetext.Fprintf(o.Line.Process.Notes(), "ssmguard: the case is in %s, which you alone may read; it opens with: ssmguard check --case %s\n", o.files.SaveCase, safetext.Word(o.files.SaveCase))
	return nil
}

// runCase asks what a case has, of the policies that it has. AWS is not asked.
func (o *checkOptions) runCase(ctx context.Context, p *env.Process, words []string) error {
	if len(words) > 0 || len(o.files.Files) > 0 || o.files.Matrix != "" || o.files.SaveCase != "" || o.files.Fix.asked() {
		return exit.Usagef("--case has a question and its policies; --output, --expect and --what-if-add go with it")
	}
	c, err := readCase(p, o.files.Case)
	if err != nil {
		return exit.WithCode(err, exit.Config)
	}
	set, texts, err := c.Set()
	if err != nil {
		return exit.WithCode(err, exit.Config)
	}
	if o.Line, err = ask.ReadSession(p, nil, true); err != nil {
		return err
	}
	note := "asked on " + c.Saved.UTC().Format("2006-01-02 15:04 UTC")
	if c.Redacted {
		note += ", with other ids in the place of the true ones"
	}
	safetext.Fprintf(p.Notes(), "ssmguard: note: the case was %s; what has changed since is not seen\n", note)
	for _, u := range c.Unread {
		safetext.Fprintf(p.Notes(), "ssmguard: note: what could not be read then: %s: %s\n", u.Who, u.Why)
	}
	var unread []guard.Finding
	var added policyfile.Reading
	source, judges := guard.PolicySource(guard.Static(set)), c.Judges()
	if o.files.WhatIf.asked() {
		judges = nil // they speak of the policies as they were
		if added, err = policyfile.Read(o.files.WhatIf.add, policyfile.Known{}); err != nil {
			return exit.WithCode(err, exit.Config)
		}
		added = added.AsAnybodys()
		if source, unread, err = o.files.WhatIf.overlay(ctx, source, c.Request.Caller, added); err != nil {
			return err
		}
	}
	o.decide = func(ctx context.Context) (guard.Decision, error) {
		g := guard.Guard{Inventory: ask.StatedFacts(c.Facts), Simulators: append(judges, guard.Local{Source: source})}
		d, err := ask.Judged(ctx, &g, c.Request)
		d.Texts = texts
		return added.Qualify(d, unread), err
	}
	o.Line.Check = []string{"--case", o.files.Case}
	return o.run(ctx)
}

// readCase reads a case from a file, or from standard input if that is "-".
func readCase(p *env.Process, path string) (casefile.Case, error) {
	if path == "-" {
		text, err := usertext.ReadAll(p.Stdin)
		if err != nil {
			return casefile.Case{}, err
		}
		return casefile.Parse("standard input", text)
	}
	text, err := usertext.ReadFile(path)
	if err != nil {
		return casefile.Case{}, err
	}
	return casefile.Parse(path, text)
}
