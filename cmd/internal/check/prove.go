package check

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"ssmguard/cmd/internal/ask"
	"ssmguard/cmd/internal/awscli"
	"ssmguard/cmd/internal/command"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/policyfile"
	"ssmguard/cmd/internal/report"
	"ssmguard/guard"
	"ssmguard/guard/finding"
	"ssmguard/guard/policy"
	"ssmguard/guard/policy/source"
	"ssmguard/guard/prove"
	"ssmguard/internal/safetext"
)

// proveOptions is a prove command line, complete.
type proveOptions struct {
	Line        *ask.Line
	files       fileOptions
	without     map[string][]string // of --where-not
	kinds       []prove.Kind
	anyDocument bool
	claims      string    // a file of claims
	noMore      [2]string // the files of --no-more-than or --equal: the old policies and the new ones
	equal       bool
}

// flags declares them: those of check that describe requests, and prove's own.
func (o *proveOptions) flags() []command.Flag {
	flags := []command.Flag{
		{Name: "--where", Value: "KEY=VALUE", Text: "of targets with this tag alone; --target-tag is the same", Set: tag(&o.files.TargetTags)},
		{Name: "--where-not", Value: "KEY=VALUE", Text: "of targets without this tag", Set: pair(func(key, value string) {
			if o.without == nil {
				o.without = make(map[string][]string)
			}
			o.without[key] = append(o.without[key], value)
		})},
		{Name: "--target-kind", Choices: kindNames(), Text: "of targets of this kind; all kinds without it", Set: func(v string) error {
			o.kinds = append(o.kinds, prove.Kind(v))
			return nil
		}},
		{Name: "--any-document", Text: "with any document, which goes without saying where none is named", Set: command.Switch(&o.anyDocument)},
		{Name: "--claims", Value: "FILE", Text: "prove each of the claims in a YAML file", Set: command.Text(&o.claims)},
		{Name: "--no-more-than", Value: "OLD NEW", Text: "prove that the policies in the file NEW allow no session that those in OLD do not", Set: command.Text(&o.noMore[0])},
		{Name: "--equal", Value: "OLD NEW", Text: "prove that they allow the same sessions", Set: func(v string) error {
			o.noMore[0], o.equal = v, true
			return nil
		}},
	}
	for _, f := range o.files.flags() {
		switch f.Name {
		case "--matrix", "--example", "--what-if-add", "--what-if-remove", "--fix", "--diff", "--save-case", "--redact", "--case":
			continue
		case "--expect":
			f.Text = "what is to be proven of every request"
		case "--output":
			f.Choices, f.Text = []string{"text", "json", "sarif", "github", "html"}, "text on stderr; data or a page on stdout"
		case "--context":
			f.Text = "state a condition key of all requests, as for check"
		case "--boundary", "--session-policy", "--scp", "--rcp", "--endpoint-policy":
			f.Brief = true
		case "--target-tag":
			f.Text = "a tag that every target has, and maybe others"
		case "--principal":
			f.Text = "who asks; without it, any user or role that the policies are attached to"
		case "--target-untagged", "--document-untagged":
			f.Text = strings.TrimSuffix(f.Text, "; without it, and without --target-tag, its tags are not known")
		}
		flags = append(flags, f)
	}
	return flags
}

func kindNames() (names []string) {
	for _, k := range prove.Kinds {
		names = append(names, string(k))
	}
	return names
}

// Prove runs the words after `prove`.
func Prove(ctx context.Context, p *env.Process, words []string) error {
	o := proveOptions{}
	words, err := command.Take(o.flags(), words, p.Getenv)
	if err != nil {
		return err
	}
	if o.noMore[0] != "" {
		at := slices.IndexFunc(words, func(w string) bool { return !strings.HasPrefix(w, "-") })
		if at < 0 {
			return exit.Usagef("--no-more-than and --equal take two files: the old policies and the new ones")
		}
		o.noMore[1] = words[at]
		words = slices.Delete(words, at, at+1)
	}
	if o.Line, err = ask.ReadSession(p, words, true); err != nil {
		return err
	}
	if o.Line.Call.Command == awscli.Help {
		return command.ErrHelp
	}
	if err := o.check(); err != nil {
		return err
	}
	if o.claims != "" {
		return o.each(ctx)
	}
	in, err := o.ranges()
	if err != nil {
		return err
	}
	if o.noMore[0] != "" {
		return o.compare(ctx, in)
	}
	set, err := o.policies(ctx, &in)
	if err != nil {
		return err
	}
	proof, err := set.proof(ctx, "", o.claim(in), o.decide(set.Set, in))
	if err != nil {
		return err
	}
	return o.tell(proof)
}

// decide decides the claim.
func (o *proveOptions) decide(set policy.Set, in prove.Range) prove.Result {
	if o.files.Expect == "deny" {
		return prove.Denied(set, in)
	}
	return prove.Allowed(set, in)
}

// ranges returns the requests that the options describe.
func (o *proveOptions) ranges() (prove.Range, error) {
	r := ask.Request(o.Line.Call.Input, "")
	if region := o.Line.Call.Globals.Region; region != nil {
		r.Region = *region
	}
	r.Region = cmp.Or(r.Region, o.files.regionStated(), guard.ArnField(r.Document, guard.FieldRegion))
	if r.Region != "" && !guard.IsRegion(r.Region) {
		return prove.Range{}, exit.Usagef("--region %s: that is no region's name", safetext.Line(r.Region))
	}
	r.Context, r.Closed, r.Files = o.files.Context, o.files.Closed, true
	in := prove.Range{Request: r, Kinds: o.kinds, Facts: guard.UnknownFacts(), Tags: o.files.TargetTags, Without: o.without}
	if o.files.Untagged.Target {
		in.Facts.Unknown = slices.DeleteFunc(in.Facts.Unknown, func(u string) bool { return u == guard.UnknownTargetTags })
	}
	if o.files.DocumentTags != nil || o.files.Untagged.Document {
		in.Facts.DocumentTags = o.files.DocumentTags
		in.Facts.Unknown = slices.DeleteFunc(in.Facts.Unknown, func(u string) bool { return u == guard.UnknownDocumentTags })
	}
	return in, nil
}

// check says which of the options need others.
func (o *proveOptions) check() error {
	if err := o.files.check(); err != nil && len(o.files.Files) > 0 {
		return err
	}
	switch in := o.Line.Call.Input; {
	case o.claims != "":
		if o.noMore[0] != "" || o.files.Expect != "" || len(o.files.Files) > 0 || in.Target != "" || in.DocumentName != "" {
			return exit.Usagef("--claims brings its own policies, targets and documents")
		}
		return nil
	case o.noMore[0] == "" && o.files.Expect == "":
		return exit.Usagef("prove needs what is to be proven: --expect allow, --expect deny, or --no-more-than OLD NEW")
	case o.noMore[0] != "" && (o.files.Expect != "" || len(o.files.Files) > 0):
		return exit.Usagef("--no-more-than and --equal compare two files, and go without --expect and --policy")
	case o.anyDocument && in.DocumentName != "":
		return exit.Usagef("--any-document goes without --document-name")
	case len(o.kinds) > 0 && in.Target != "":
		return exit.Usagef("--target-kind goes without --target")
	case o.without != nil && o.nothing() != "":
		return exit.Usagef("--where and --where-not %s are about no target at all", safetext.Line(o.nothing()))
	case o.files.Untagged.Target && o.without != nil:
		return exit.Usagef("--where-not says nothing of targets without tags")
	case in.Target != "":
		return ask.NeedsID(in.Target)
	}
	return nil
}

// nothing returns a tag that every target has and none has, "" for none.
func (o *proveOptions) nothing() string {
	for key, value := range o.files.TargetTags {
		if slices.Contains(o.without[key], value) {
			return key + "=" + value
		}
	}
	return ""
}

// policies returns the policies of the files, or else the caller's in the account, and adds
// the callers to the range.
func (o *proveOptions) policies(ctx context.Context, in *prove.Range) (policies, error) {
	if len(o.files.Files) > 0 {
		reading, err := o.files.read(o.Line.Process, o.files.Principal)
		if err != nil {
			return policies{}, err
		}
		if err := o.callers(in, reading.Partition(), reading.Set); err != nil {
			return policies{}, err
		}
		set, unread := reading.For(in.Callers[0])
		o.note(unread)
		set.Root = in.Callers[0].Kind() == guard.Root
		return policies{set, reading.Texts()}, nil
	}
	if o.Line.Call.Lacks { // any target does
		o.Line.Call.Fill(awscli.Input{Target: "i-0123456789abcdef0"})
	}
	w, _, err := o.Line.Connect(ctx)
	if err != nil {
		return policies{}, err
	}
	defer w.Evidence.Close()
	caller, err := w.Evidence.Caller(ctx)
	if caller.SessionARN == "" {
		return policies{}, err
	}
	in.Callers, in.Request.Files = []guard.Caller{caller}, false
	set, err := w.Policies.Policies(ctx, caller)
	if err != nil && len(set.Partial) == 0 {
		return policies{}, err
	}
	return policies{Set: set}, nil
}

// note tells of policies that were not read.
func (o *proveOptions) note(unread []guard.Finding) {
	for _, f := range unread {
		safetext.Fprintf(o.Line.Process.Notes(), "ssmguard: note: %s\n", f.Summary)
	}
}

// callers are the one of --principal, or else a user and a role in an account of each class
// that the policies tell apart.
func (o *proveOptions) callers(in *prove.Range, partition string, sets ...policy.Set) error {
	one, err := namedCaller(o.files.Principal)
	if err != nil || o.files.Principal != "" {
		in.Callers = []guard.Caller{one}
		return err
	}
	if in.Request.Region != "" {
		partition = guard.PartitionOf(in.Request.Region)
	}
	accounts, open := prove.Accounts(one.Account, sets...)
	in.Open = open
	for _, account := range accounts {
		for _, kind := range []string{"user", "role"} {
			c, err := namedCaller(fmt.Sprintf("arn:%s:iam::%s:%s/someone", cmp.Or(partition, one.Partition), account, kind))
			if err != nil {
				return err
			}
			c.Unknown = append(c.Unknown, guard.UnknownPrincipal)
			in.Callers = append(in.Callers, c)
		}
	}
	return nil
}

// compare proves that one file of policies allows no more than another, or the same.
func (o *proveOptions) compare(ctx context.Context, in prove.Range) error {
	var readings [2]policyfile.Reading
	for i, path := range o.noMore {
		one := fileOptions{Files: []policyfile.File{{Kind: policy.Identity, Path: path}}, Principal: o.files.Principal, Parameters: o.files.Parameters}
		var err error
		if readings[i], err = one.read(o.Line.Process, o.files.Principal); err != nil {
			return err
		}
	}
	partition := cmp.Or(readings[0].Partition(), readings[1].Partition())
	if err := o.callers(&in, partition, readings[0].Set, readings[1].Set); err != nil {
		return err
	}
	var sets [2]policy.Set
	for i, reading := range readings {
		var unread []guard.Finding
		sets[i], unread = reading.For(in.Callers[0])
		o.note(unread)
	}
	claim := fmt.Sprintf("%s allows no session that %s does not", o.noMore[1], o.noMore[0])
	result, back := prove.NoMore(sets[0], sets[1], in), false
	if o.equal {
		claim = fmt.Sprintf("%s and %s allow the same sessions", o.noMore[0], o.noMore[1])
		if other := prove.NoMore(sets[1], sets[0], in); result.Counter == nil {
			result = prove.Result{Proven: result.Proven && other.Proven, Counter: other.Counter, More: other.More, Open: slices.Concat(result.Open, other.Open)}
			back = true // what the old policies allow and the new do not
		}
	}
	shown := policies{sets[1], readings[1].Texts()}
	if o.equal && back {
		shown = policies{sets[0], readings[0].Texts()}
	}
	proof, err := shown.proof(ctx, "", claim, result)
	if err != nil {
		return err
	}
	return o.tell(proof)
}

// claim says in a sentence what is to be proven.
func (o *proveOptions) claim(in prove.Range) string {
	var b strings.Builder
	b.WriteString(map[string]string{"allow": "allowed", "deny": "denied"}[o.files.Expect])
	b.WriteString(": every session on ")
	kinds := "target"
	if len(in.Kinds) > 0 {
		kinds = guard.Join(kindsText(in.Kinds), "or")
	}
	b.WriteString(cmp.Or(in.Request.Target, "any "+kinds))
	for _, key := range slices.Sorted(maps.Keys(in.Tags)) {
		fmt.Fprintf(&b, " with %s=%s", key, in.Tags[key])
	}
	for _, key := range slices.Sorted(maps.Keys(in.Without)) {
		fmt.Fprintf(&b, " without %s=%s", key, strings.Join(in.Without[key], ","))
	}
	if o.files.Untagged.Target {
		b.WriteString(" without tags")
	}
	b.WriteString(", " + cmp.Or(in.Request.Document, "any document"))
	if in.Request.Region != "" {
		b.WriteString(", in " + in.Request.Region)
	}
	who := o.files.Principal
	if len(o.files.Files) == 0 {
		who = in.Callers[0].Name()
	}
	b.WriteString(", by " + cmp.Or(who, "whoever has these policies"))
	return b.String()
}

func kindsText(kinds []prove.Kind) (texts []string) {
	for _, k := range kinds {
		text := string(k)
		if k == prove.Managed {
			text = "managed node"
		}
		texts = append(texts, text)
	}
	return texts
}

// tell says what was proven, and returns the exit code as an error: a counterexample to one
// claim weighs more than no answer to another.
func (o *proveOptions) tell(proofs ...report.Proof) error {
	out := report.NewProofs(o.Line.Process.Stdout, o.files.Output, o.paths())
	if out == nil {
		out = o.Line.Text()
	}
	worst := policy.Allow
	for _, p := range proofs {
		if v := p.Verdict(); v != policy.Allow && worst != policy.ImplicitDeny {
			worst = v
		}
		if err := out.Proof(p); err != nil {
			return err
		}
	}
	if err := out.Close(); err != nil {
		return err
	}
	return exit.VerdictStatus(worst)
}

// paths are the files that findings are placed in.
func (o *proveOptions) paths() (paths []string) {
	if o.noMore[1] != "" {
		return []string{o.noMore[1]}
	}
	for _, f := range o.files.Files {
		paths = append(paths, f.Path)
	}
	return paths
}

// policies are a caller's as they were read, with their texts where they stand in files.
type policies struct {
	policy.Set
	texts map[string]guard.PolicyText
}

// proof is a claim with its answer, of which all counterexamples are shown in the policies.
func (p policies) proof(ctx context.Context, name, claim string, r prove.Result) (report.Proof, error) {
	proof := report.Proof{Name: name, Claim: claim, Proven: r.Proven, Open: r.Open}
	all := r.More
	if r.Counter != nil {
		all = append([]*prove.Counterexample{r.Counter}, r.More...)
	}
	for _, c := range all {
		d, err := p.shown(ctx, c)
		if err != nil {
			return proof, err
		}
		proof.Shown = append(proof.Shown, report.Shown{Counterexample: c, Decision: d})
	}
	return proof, nil
}

// shown is the decision of a counterexample's request. Its finding marks the statements that
// let it through, or those that come closest to allowing what is denied.
func (p policies) shown(ctx context.Context, c *prove.Counterexample) (guard.Decision, error) {
	r := c.Request
	r.Closed = true // it is one request: what it does not have is absent
	g := guard.Guard{Inventory: ask.StatedFacts(c.Facts), Simulators: []guard.Simulator{guard.Local{Source: guard.Static(p.Set)}}}
	d, err := g.Check(ctx, r)
	if err != nil {
		return d, err
	}
	d.Texts = p.texts
	f := guard.Finding{Code: finding.Refuted, Level: guard.Error, Grant: c.Grant, Action: c.Action, Resource: c.Resource}
	if c.Denied {
		for _, why := range finding.Explain(d).Findings {
			if why.Grant == c.Grant && why.Level == guard.Error {
				f.Nearest = append(f.Nearest, why.Nearest...)
			}
		}
	} else {
		f.Nearest = letThrough(d, c)
	}
	d.Findings = []guard.Finding{f}
	return d, nil
}

// letThrough are the statements that allow what a counterexample is about: to start a session
// takes two grants.
func letThrough(d guard.Decision, c *prove.Counterexample) (nearest []guard.Near) {
	add := func(by []policy.Pos, what string) {
		for _, at := range by {
			i := slices.IndexFunc(nearest, func(n guard.Near) bool { return n.At == at })
			if i < 0 {
				nearest = append(nearest, guard.Near{At: at, Why: "lets through " + what, Part: source.Part{Element: "Effect", Value: "Allow"}})
				continue
			}
			nearest[i].Why += " and " + what
		}
	}
	if c.Action != guard.ActionStart {
		add(c.By, c.Action)
		return nearest
	}
	for _, grant := range []struct{ id, what string }{{guard.GrantTarget, "the target"}, {guard.GrantDocument, "the document"}} {
		if c.Grant == grant.id || !c.Alone {
			for _, r := range d.Of(grant.id).Rulings {
				add(r.Answer.By, grant.what)
			}
		}
	}
	return nearest
}
