package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"ssmguard/cmd/internal/ask"
	"ssmguard/cmd/internal/command"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/policyfile"
	"ssmguard/cmd/internal/report"
	"ssmguard/guard"
	"ssmguard/guard/policy"
)

// someone is the caller of a question about policy files without --principal.
const someone = "arn:aws:iam::" + fictional + ":user/someone"

// fictional is the account of a caller whose account nobody stated.
const fictional = "123456789012"

// fileOptions are check's options for policies that are in no account yet.
type fileOptions struct {
	Files        []policyfile.File
	Principal    string
	TargetTags   map[string]string
	DocumentTags map[string]string
	Parameters   map[string]string               // of templates
	Untagged     struct{ Target, Document bool } // they have no tags but those that are given
	Closed       bool                            // what nobody stated is absent
	Context      map[string][]string
	Expect       string // allow, deny, or "" for no expectation
	Matrix       string // a file of requests, instead of one
	WhatIf       whatIf
	Fix          fixOptions
	Example      bool   // print an example of a matrix
	Output       string // text, json, sarif, github, html, ask; "" for text
	SaveCase     string // a file to keep the decision in
	Case         string // a file that keeps one, to be asked about in the place of an account
	Redact       bool   // other ids in SaveCase
}

// flags declares them.
func (o *fileOptions) flags() []command.Flag {
	file := func(name string, kind policy.Kind, text string) command.Flag {
		return command.Flag{Name: name, Value: "FILE", Group: fileGroup, Many: true, Text: text, Set: func(path string) error {
			o.Files = append(o.Files, policyfile.File{Kind: kind, Path: path})
			return nil
		}}
	}
	brief := func(f command.Flag) command.Flag {
		f.Brief = true
		return f
	}
	return []command.Flag{
		{Name: "--output", Choices: []string{"text", "json", "sarif", "github", "html", "ask"}, Default: "text", Set: command.Text(&o.Output),
			Text: "text on stderr; data, a page or a message to forward on stdout"},
		{Name: "--expect", Choices: []string{"allow", "deny"}, Set: command.Text(&o.Expect),
			Text: "exit with 0 if that is the answer, with 255 if not"},
		{Name: "--context", Value: "KEY=VALUE", Text: "state a condition key; target:KEY or document:KEY states it of one resource", Set: pair(func(key, value string) {
			if o.Context == nil {
				o.Context = make(map[string][]string)
			}
			o.Context[key] = append(o.Context[key], value)
		})},
		{Name: "--save-case", Value: "FILE", Text: "keep question, policies and answer for --case FILE", Set: command.Text(&o.SaveCase)},
		{Name: "--redact", Brief: true, Text: "with --save-case, other ids in the place of accounts, nodes, networks, keys and people; names stay", Set: command.Switch(&o.Redact)},
		{Name: "--case", Value: "FILE", Text: "ask again what such a file has, without AWS", Set: command.Text(&o.Case)},
		{Name: "--what-if-add", Value: "FILE", Text: "ask as if the caller had this policy, too", Set: func(v string) error {
			o.WhatIf.add = append(o.WhatIf.add, policyfile.File{Kind: policy.Identity, Path: v, Bare: true})
			return nil
		}},
		{Name: "--what-if-remove", Value: "NAME", Brief: true, Text: "ask as if the caller had not this policy", Set: func(v string) error {
			o.WhatIf.remove = append(o.WhatIf.remove, v)
			return nil
		}},
		{Name: "--matrix", Value: "FILE", Text: "ask the many requests of a YAML file at once",
			Set: func(v string) error { o.Matrix = v; return nil }},
		{Name: exampleOption, Brief: true, Text: "print an example of a file of --matrix", Set: command.Switch(&o.Example)},
		file("--policy", policy.Identity, "IAM policy JSON, an output of \"aws iam\" or \"terraform show -json\", or a template"),
		file("--boundary", policy.Boundary, "the caller's permissions boundary"),
		brief(file("--session-policy", policy.Session, "the policy of the caller's session")),
		file("--scp", policy.SCP, "a service control policy of the organization"),
		brief(file("--rcp", policy.RCP, "a resource control policy of the organization")),
		brief(file("--endpoint-policy", policy.Endpoint, "the policy of the VPC endpoint that is called")),
		principalFlag(&o.Principal, "who asks; without it, a user that the policies are attached to"),
		{Name: "--target-tag", Value: "KEY=VALUE", Group: fileGroup, Text: "a tag of the target; those that are given are all it has", Set: tag(&o.TargetTags)},
		{Name: "--document-tag", Value: "KEY=VALUE", Group: fileGroup, Brief: true, Text: "a tag of the document", Set: tag(&o.DocumentTags)},
		{Name: "--template-parameter", Value: "NAME=VALUE", Group: fileGroup, Brief: true, Text: "what a parameter of a template will be, or one of AWS's own, such as AWS::Region", Set: tag(&o.Parameters)},
		{Name: "--target-untagged", Group: fileGroup, Brief: true, Text: "the target has no tags; without it, and without --target-tag, its tags are not known", Set: command.Switch(&o.Untagged.Target)},
		{Name: "--document-untagged", Group: fileGroup, Brief: true, Text: "the document has no tags", Set: command.Switch(&o.Untagged.Document)},
		{Name: "--fix", Group: fileGroup, Text: "write the proven repair into the files", Set: command.Switch(&o.Fix.Write)},
		{Name: "--deliberate", Group: fileGroup, Brief: true, Text: "with --fix, also where it changes a Deny that looks deliberate", Set: command.Switch(&o.Fix.Deliberate)},
		{Name: "--diff", Group: fileGroup, Text: "print the proven repair for patch -p0", Set: command.Switch(&o.Fix.Diff)},
		{Name: "--closed", Group: fileGroup, Text: "take what is not stated for absent; without it, an answer that turns on it is undecided", Set: command.Switch(&o.Closed)},
	}
}

// stdinPath is a policy file that is standard input.
const stdinPath = "-"

// fileGroup is the heading of the options that need --policy.
const fileGroup = "policies that are in no account yet, checked without AWS"

func principalFlag(to *string, text string) command.Flag {
	return command.Flag{Name: "--principal", Value: "ARN", Group: fileGroup, Text: text, Set: func(v string) error { *to = v; return nil }}
}

// pair makes an option's setter of what takes a key and a value.
func pair(set func(key, value string)) func(string) error {
	return func(v string) error {
		key, value, ok := strings.Cut(v, "=")
		if !ok || key == "" {
			return errors.New("want KEY=VALUE")
		}
		set(key, value)
		return nil
	}
}

func tag(tags *map[string]string) func(string) error {
	return pair(func(key, value string) {
		if *tags == nil {
			*tags = make(map[string]string)
		}
		(*tags)[key] = value
	})
}

// check says which of the options need others.
func (o *fileOptions) check() error {
	if o.Untagged.Target && o.TargetTags != nil || o.Untagged.Document && o.DocumentTags != nil {
		return exit.Usagef("--target-untagged and --document-untagged go without a tag of the same")
	}
	if o.Redact && o.SaveCase == "" {
		return exit.Usagef("--redact is for --save-case FILE; give that too")
	}
	stdin := 0
	for _, f := range o.Files {
		if f.Path == stdinPath {
			stdin++
		}
	}
	switch {
	case stdin > 1:
		return exit.Usagef("standard input is one file; give - once")
	case stdin == 1 && o.Fix.asked():
		return exit.Usagef("--fix and --diff change files; standard input is none")
	}
	if len(o.Files) > 0 {
		if o.WhatIf.asked() {
			return exit.Usagef("--what-if-add and --what-if-remove change the policies of an account, not those of --policy")
		}
		return nil
	}
	if o.Parameters != nil && !o.WhatIf.asked() {
		return exit.Usagef("--template-parameter is for checks of policy files; give --policy FILE too")
	}
	for flag, given := range map[string]bool{"--principal": o.Principal != "", "--target-tag": o.TargetTags != nil, "--document-tag": o.DocumentTags != nil,
		"--target-untagged": o.Untagged.Target, "--document-untagged": o.Untagged.Document, "--closed": o.Closed} {
		if given {
			return exit.Usagef("%s is for checks of policy files; give --policy FILE too", flag)
		}
	}
	return nil
}

// read reads the policy files, and names the policies in them that are other people's or resources'.
func (o *fileOptions) read(p *env.Process, principals ...string) (policyfile.Reading, error) {
	caller, err := oneCaller(principals)
	if err != nil {
		return policyfile.Reading{}, err
	}
	for i := range o.Files {
		if f := &o.Files[i]; f.Path == stdinPath {
			text, err := io.ReadAll(p.Stdin)
			if err != nil {
				return policyfile.Reading{}, err
			}
			f.Path, f.Text = "stdin", append([]byte{}, text...)
		}
	}
	reading, err := policyfile.Read(o.Files, policyfile.Known{Caller: caller, Parameters: o.Parameters})
	if err != nil {
		return reading, exit.WithCode(err, exit.Config)
	}
	reading.TellLeftOut(p.Notes())
	return reading, nil
}

// decide answers from what the files say alone; AWS is not asked.
func (o *fileOptions) decide(ctx context.Context, reading policyfile.Reading, r guard.Request) (guard.Decision, error) {
	var err error
	r.Caller, err = namedCaller(o.Principal)
	if err != nil {
		return guard.Decision{}, err
	}
	r.Context, r.Closed, r.Files = o.Context, o.Closed, true
	r.Region = cmp.Or(r.Region, o.regionStated())
	if o.Principal == "" {
		partition := reading.Partition()
		if r.Region != "" {
			partition = guard.PartitionOf(r.Region)
		}
		r.Caller = inPartition(r.Caller, cmp.Or(partition, r.Caller.Partition))
	}
	reading.Set.Root = r.Caller.Kind() == guard.Root
	facts := o.facts(time.Now())
	if o.Principal == "" {
		accounts := reading.Accounts()
		verdicts := make(map[policy.Verdict]bool)
		for _, account := range accounts {
			r.Caller = inAccount(r.Caller, account)
			for _, g := range guard.Needs(r, guard.Facts(facts)) {
				if !g.Advisory {
					verdicts[guard.Evaluate(reading.Set, g).Verdict] = true
				}
			}
		}
		if len(accounts) > 1 && len(verdicts) > 1 {
			reading.Lack(policy.Identity, "the policies name the accounts "+guard.Join(accounts, "and")+", and nobody said in which the caller is: give --principal")
		}
	}
	set, unread, err := reading.Settle(ctx, r.Caller, guard.Needs(r, guard.Facts(facts)))
	if err != nil {
		return guard.Decision{}, err
	}
	g := guard.Guard{
		Inventory:  facts,
		Simulators: []guard.Simulator{guard.Local{Source: guard.Static(set)}},
	}
	d, err := ask.Judged(ctx, &g, r)
	d.Texts = reading.Texts()
	if o.Closed {
		for i := range d.Findings {
			if f := &d.Findings[i]; f.Level != guard.Note {
				f.Detail = strings.TrimPrefix(f.Detail+"; "+report.ClosedNote, "; ")
			}
		}
	}
	return reading.Qualify(d, unread), err
}

// regionStated returns the region that --context states, "" if it states none.
func (o *fileOptions) regionStated() string {
	for key, values := range o.Context {
		if strings.EqualFold(key, guard.KeyRegion) && len(values) == 1 && guard.IsRegion(values[0]) {
			return values[0]
		}
	}
	return ""
}

// inPartition returns the caller as one of another partition.
func inPartition(c guard.Caller, partition string) guard.Caller {
	move := func(arn string) string { return strings.Replace(arn, "arn:"+c.Partition+":", "arn:"+partition+":", 1) }
	c.SessionARN, c.Principal, c.Partition = move(c.SessionARN), move(c.Principal), partition
	return c
}

// inAccount returns the caller as one of another account.
func inAccount(c guard.Caller, account string) guard.Caller {
	move := func(arn string) string { return strings.Replace(arn, ":"+c.Account+":", ":"+account+":", 1) }
	c.SessionARN, c.Principal, c.Account = move(c.SessionARN), move(c.Principal), account
	return c
}

// facts are what is known of the request's resources: the tags that were given are all
// there are, and where none were given nobody knows.
func (o *fileOptions) facts(now time.Time) ask.StatedFacts {
	f := ask.StatedFacts{TargetTags: o.TargetTags, DocumentTags: o.DocumentTags}
	if o.Closed {
		return f
	}
	f.At = now
	if o.TargetTags == nil && !o.Untagged.Target {
		f.Unknown = append(f.Unknown, guard.UnknownTargetTags)
	}
	if o.DocumentTags == nil && !o.Untagged.Document {
		f.Unknown = append(f.Unknown, guard.UnknownDocumentTags)
	}
	return f
}

// oneCaller returns the caller if all principals are in the same account, else none.
func oneCaller(principals []string) (one guard.Caller, err error) {
	for i, arn := range principals {
		c, err := namedCaller(arn)
		if err != nil {
			return guard.Caller{}, err
		}
		if i > 0 && (c.Account != one.Account || c.Partition != one.Partition) {
			return guard.Caller{}, nil
		}
		one = c
	}
	return one, nil
}

// namedCaller makes a caller of a principal's ARN: a user, a role, a role's
// session, a federated user or root.
func namedCaller(arn string) (guard.Caller, error) {
	unknown := []string{guard.UnknownPrincipalTags, guard.UnknownCredentials}
	if arn == "" {
		arn, unknown = someone, append(unknown, guard.UnknownPrincipal)
	}
	part := strings.SplitN(arn, ":", 6)
	if len(part) != 6 || part[0] != "arn" || !guard.Made(part[1], "-") || !guard.Made(part[4], "") {
		return guard.Caller{}, exit.Usagef("--principal %s: want the ARN of a user, a role or a role's session", arn)
	}
	c := guard.Caller{SessionARN: arn, Principal: arn, Account: part[4], Partition: part[1], Unknown: unknown}
	prefix := fmt.Sprintf("arn:%s:%%s::%s:", c.Partition, c.Account)
	if name, ok := strings.CutPrefix(part[5], "role/"); ok {
		c.SessionARN = fmt.Sprintf(prefix, "sts") + "assumed-role/" + name[strings.LastIndexByte(name, '/')+1:] + "/session"
	}
	if name, ok := strings.CutPrefix(part[5], "assumed-role/"); ok {
		role, _, _ := strings.Cut(name, "/")
		c.Principal, c.Unknown = fmt.Sprintf(prefix, "iam")+"role/"+role, append(c.Unknown, guard.UnknownPath)
	}
	if c.Kind() == guard.KindUnknown {
		return c, exit.Usagef("--principal %s: want the ARN of a user, a role or a role's session", arn)
	}
	return c, nil
}

// met turns a verdict into check's error, given what was expected.
func (o *fileOptions) met(v policy.Verdict) error {
	switch {
	case o.Expect == "":
		return exit.VerdictStatus(v)
	case meets(o.Expect, v):
		return nil
	default:
		return fmt.Errorf("expected %s, got %s", o.Expect, v)
	}
}

// meets reports whether a verdict is what was expected: "allow" or "deny".
func meets(expect string, v policy.Verdict) bool {
	return expect == "allow" && v == policy.Allow || expect == "deny" && v.Denies()
}
