package check

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"ssmguard/cmd/internal/ask"
	"ssmguard/cmd/internal/awscli"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/policyfile"
	"ssmguard/cmd/internal/report"
	"ssmguard/configs"
	"ssmguard/guard"
	"ssmguard/guard/policy"
	"ssmguard/internal/safetext"
)

// matrixOptions is a `check --matrix` command line, complete.
type matrixOptions struct {
	Line     *ask.Line
	matrix   configs.Matrix
	files    policyfile.Reading
	output   report.Handler // nil: a table
	region   string
	context  map[string][]string // of --context
	closed   bool                // --closed
	question *ask.Question       // nil when the matrix is about policy files
}

// checkMatrix runs `check --matrix FILE` with the words that follow `check`.
func checkMatrix(ctx context.Context, p *env.Process, options fileOptions, words []string) error {
	o := &matrixOptions{context: options.Context, closed: options.Closed}
	var err error
	if o.matrix, err = configs.LoadMatrix(options.Matrix); err != nil {
		return exit.WithCode(err, exit.Config)
	}
	if o.Line, err = ask.ReadSession(p, words, true); err != nil {
		return err
	}
	if o.Line.Call.Lacks { // each request brings a target of its own
		o.Line.Call.Fill(awscli.Input{Target: o.matrix.Requests[0].Target})
	}
	options.Files = policyFiles(o.matrix.Policies)
	if o.files, err = options.read(o.Line.Process.Stderr, o.principals()...); err != nil {
		return err
	}
	o.output = options.handler(o.Line.Process.Stdout)
	if o.region, err = statedRegion(o.Line); err != nil {
		return err
	}
	o.region = cmp.Or(o.matrix.Region, o.region)
	if o.closed && !o.matrix.HasPolicies() {
		return exit.Usagef("--closed is for checks of policy files; the matrix has none")
	}
	if !o.matrix.HasPolicies() {
		if o.question, _, err = o.Line.Connect(ctx); err != nil {
			return err
		}
		defer o.question.Evidence.Close()
	}
	return o.run(ctx)
}

// run asks every request of the matrix and prints a table, or the decisions.
func (o *matrixOptions) run(ctx context.Context) error {
	table := tabwriter.NewWriter(o.Line.Process.Stdout, 0, 0, 2, ' ', 0)
	if o.output != nil {
		if err := o.output.Config(report.Config{Protocol: report.Protocol, CheckOnly: true}); err != nil {
			return err
		}
	}
	if o.output == nil { // a decision brings them itself
		callers, err := o.callers()
		if err != nil {
			return err
		}
		o.files.TellUnread(o.Line.Process.Stderr, callers)
	}
	unmet := 0
	for _, row := range o.matrix.Requests {
		decision, err := o.decide(ctx, row)
		if err != nil {
			return fmt.Errorf("%s: %w", rowName(row), err)
		}
		verdict := decision.Verdict()
		if row.Expect != "" && !meets(row.Expect, verdict) {
			unmet++
		}
		if o.output != nil {
			err = o.output.Decision(decision)
		} else {
			_, err = safetext.Fprintf(table, "%s\t%s\t%s\t%s\n", rowName(row), report.VerdictText(decision), codes(decision), outcome(row.Expect, verdict))
		}
		if err != nil {
			return err
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if o.output != nil {
		if err := o.output.Close(); err != nil {
			return err
		}
	}
	if unmet > 0 {
		return fmt.Errorf("%d of %d requests did not come out as expected", unmet, len(o.matrix.Requests))
	}
	return nil
}

func (o *matrixOptions) decide(ctx context.Context, row configs.MatrixRequest) (guard.Decision, error) {
	if o.question != nil {
		w := *o.question
		w.Request.Target, w.Request.Document, w.Request.Context = row.Target, row.Document, o.stated(row)
		return o.Line.Ask(ctx, &w)
	}
	files := fileOptions{
		Principal:  cmp.Or(row.Principal, o.matrix.Principal),
		TargetTags: row.TargetTags, DocumentTags: row.DocumentTags, Context: o.stated(row),
		Closed: o.closed || o.matrix.Closed,
	}
	files.Untagged.Target = slices.Contains(row.Untagged, "target")
	files.Untagged.Document = slices.Contains(row.Untagged, "document")
	region := cmp.Or(o.region, guard.ArnField(row.Document, guard.FieldRegion))
	return files.decide(ctx, o.files, guard.Request{Region: region, Target: row.Target, Document: row.Document})
}

// stated returns the condition keys of one request: those on the command line, of the
// matrix and its own, each winning over the one before.
func (o *matrixOptions) stated(row configs.MatrixRequest) map[string][]string {
	all := make(map[string][]string)
	for _, keys := range []map[string][]string{o.context, o.matrix.Context, row.Context} {
		maps.Copy(all, keys)
	}
	return all
}

// callers returns who asks the requests about policy files.
func (o *matrixOptions) callers() (list []guard.Caller, err error) {
	for i, arn := range o.principals() {
		c, err := namedCaller(arn)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", rowName(o.matrix.Requests[i]), err)
		}
		list = append(list, c)
	}
	return list, nil
}

// principals returns the ARN of who asks each request.
func (o *matrixOptions) principals() (list []string) {
	for _, row := range o.matrix.Requests {
		list = append(list, cmp.Or(row.Principal, o.matrix.Principal))
	}
	return list
}

// outcome compares a verdict with what was expected of it.
func outcome(expect string, v policy.Verdict) string {
	switch {
	case expect == "":
		return "no expectation"
	case meets(expect, v):
		return "ok"
	default:
		return "expected " + expect
	}
}

// policyFiles lists the files of a matrix.
func policyFiles(p configs.MatrixPolicies) []policyfile.File {
	var files []policyfile.File
	for _, layer := range []struct {
		kind  policy.Kind
		paths []string
	}{{policy.Identity, p.Identity}, {policy.Boundary, p.Boundary}, {policy.Session, p.Session},
		{policy.SCP, p.SCP}, {policy.RCP, p.RCP}, {policy.Endpoint, p.Endpoint}} {
		for _, path := range layer.paths {
			files = append(files, policyfile.File{Kind: layer.kind, Path: path})
		}
	}
	return files
}

func rowName(row configs.MatrixRequest) string {
	return cmp.Or(row.Name, row.Target+" "+cmp.Or(row.Document, "(default document)"))
}

// codes lists the findings that deny a request, or what an undecided one turns on; "-"
// when there are none.
func codes(d guard.Decision) string {
	var list []string
	if d.Verdict() == policy.Unknown {
		for _, g := range d.Grants {
			for _, on := range d.Of(g.ID).DependsOn {
				if !g.Advisory && !slices.Contains(list, on) {
					list = append(list, on)
				}
			}
		}
		return cmp.Or(strings.Join(list, " "), "-")
	}
	for _, f := range d.Findings {
		if f.Level == guard.Error && !slices.Contains(list, string(f.Code)) {
			list = append(list, string(f.Code))
		}
	}
	return cmp.Or(strings.Join(list, " "), "-")
}
