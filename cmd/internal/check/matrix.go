package check

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"

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
	output   string   // as of fileOptions
	typed    []string // the words of the command line, for an account
	region   string
	context  map[string][]string // of --context
	closed   bool                // --closed
	question *ask.Question       // nil when the matrix is about policy files
}

// exampleOption asks for an example in the place of a file, too: `--matrix --example`.
const exampleOption = "--example"

// checkMatrix runs `check --matrix FILE` with the words that follow `check`.
func checkMatrix(ctx context.Context, p *env.Process, options fileOptions, words []string) error {
	if options.Example || options.Matrix == exampleOption {
		_, err := io.WriteString(p.Stdout, configs.MatrixExample)
		return err
	}
	o := &matrixOptions{context: options.Context, closed: options.Closed, output: options.Output, typed: words}
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
	if o.files, err = options.read(o.Line.Process, o.principals()...); err != nil {
		return err
	}
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
	var paths []string
	for _, f := range policyFiles(o.matrix.Policies) {
		paths = append(paths, f.Path)
	}
	rows := report.NewMatrixRows(o.Line.Process.Stdout, o.output, paths)
	if o.output == "" || o.output == "text" { // a decision brings them itself
		callers, err := o.callers()
		if err != nil {
			return err
		}
		o.files.TellUnread(o.Line.Process.Notes(), callers)
		o.tellAssumed()
	}
	var unmet []report.MatrixRow
	for _, request := range o.matrix.Requests {
		decision, err := o.decide(ctx, request)
		if err != nil {
			return fmt.Errorf("%s: %w", rowName(request), err)
		}
		row := report.MatrixRow{Name: rowName(request), Principal: o.principal(request), Target: request.Target, Document: request.Document,
			Expected: request.Expect, Command: o.command(request), Decision: decision}
		if !row.Met() {
			unmet = append(unmet, row)
		}
		if err := rows.Row(row); err != nil {
			return err
		}
	}
	if err := rows.Close(); err != nil {
		return err
	}
	if len(unmet) == 0 {
		return nil
	}
	for _, row := range unmet {
		safetext.Fprintf(o.Line.Process.Notes(), "ssmguard: %s: expected %s, got %s; see: %s\n", row.Name, row.Expected, row.Got(), row.Command)
	}
	return fmt.Errorf("%d of %d requests did not come out as expected", len(unmet), len(o.matrix.Requests))
}

// tellAssumed says what stands for what the matrix does not state.
func (o *matrixOptions) tellAssumed() {
	if o.question != nil {
		return
	}
	if slices.Contains(o.principals(), "") {
		fmt.Fprintln(o.Line.Process.Notes(), "ssmguard: note: no principal is stated, so a user asks to whom the policies are attached; principal: ARN states one")
	}
	if o.region == "" {
		fmt.Fprintln(o.Line.Process.Notes(), "ssmguard: note: no region is stated, so an answer that turns on it is undecided; region: REGION states one")
	}
}

// principal is the ARN of who asks a request about policy files, "" where nobody said who.
func (o *matrixOptions) principal(row configs.MatrixRequest) string {
	return cmp.Or(row.Principal, o.matrix.Principal)
}

// command is what asks one request by itself, quoted for a shell.
func (o *matrixOptions) command(row configs.MatrixRequest) string {
	words := []string{"ssmguard", "check"}
	add := func(option, value string) {
		if value != "" {
			words = append(words, option, value)
		}
	}
	pairs := func(option string, of map[string]string) {
		for _, key := range slices.Sorted(maps.Keys(of)) {
			add(option, key+"="+of[key])
		}
	}
	if o.question != nil {
		words = append(words, o.typed...)
	}
	for _, f := range policyFiles(o.matrix.Policies) {
		add(optionOf[f.Kind], f.Path)
	}
	if o.question == nil {
		add("--principal", o.principal(row))
		add("--region", o.region)
	}
	add("--target", row.Target)
	add("--document-name", row.Document)
	pairs("--target-tag", row.TargetTags)
	pairs("--document-tag", row.DocumentTags)
	for _, of := range row.Untagged {
		words = append(words, "--"+of+"-untagged")
	}
	context := o.stated(row)
	for _, key := range slices.Sorted(maps.Keys(context)) {
		for _, value := range context[key] {
			add("--context", key+"="+value)
		}
	}
	if o.question == nil && (o.closed || o.matrix.Closed) {
		words = append(words, "--closed")
	}
	add("--expect", row.Expect)
	return safetext.Words(words)
}

// optionOf are the options that read a policy of each kind.
var optionOf = map[policy.Kind]string{policy.Identity: "--policy", policy.Boundary: "--boundary", policy.Session: "--session-policy",
	policy.SCP: "--scp", policy.RCP: "--rcp", policy.Endpoint: "--endpoint-policy"}

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
