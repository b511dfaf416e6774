package check

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"ssmguard/cmd/internal/ask"
	"ssmguard/cmd/internal/exit"
	"ssmguard/guard"
	"ssmguard/guard/policy"
)

// someone is the caller of a question about policy files that names nobody.
const someone = "arn:aws:iam::123456789012:user/someone"

// fileOptions are check's options for policies that are in no account yet.
type fileOptions struct {
	Files        []policyFile
	Principal    string
	TargetTags   map[string]string
	DocumentTags map[string]string
	Context      map[string][]string
	Expect       string // allow, deny, or "" for no expectation
	Matrix       string // a file of requests, instead of one
	WhatIf       whatIf
	Output       string // text, json, sarif; "" for text
}

var fileTable = []ask.Option[fileOptions]{
	{Flag: "--policy", Set: addFile(policy.Identity)},
	{Flag: "--boundary", Set: addFile(policy.Boundary)},
	{Flag: "--session-policy", Set: addFile(policy.Session)},
	{Flag: "--scp", Set: addFile(policy.SCP)},
	{Flag: "--rcp", Set: addFile(policy.RCP)},
	{Flag: "--endpoint-policy", Set: addFile(policy.Endpoint)},
	{Flag: "--principal", Set: func(o *fileOptions, v string) error { o.Principal = v; return nil }},
	{Flag: "--target-tag", Set: func(o *fileOptions, v string) error { return addTag(&o.TargetTags, v) }},
	{Flag: "--document-tag", Set: func(o *fileOptions, v string) error { return addTag(&o.DocumentTags, v) }},
	{Flag: "--context", Set: func(o *fileOptions, v string) error {
		key, value, ok := strings.Cut(v, "=")
		if !ok || key == "" {
			return errors.New("want KEY=VALUE")
		}
		if o.Context == nil {
			o.Context = make(map[string][]string)
		}
		o.Context[key] = append(o.Context[key], value)
		return nil
	}},
	{Flag: "--output", Set: func(o *fileOptions, v string) error { return ask.Choose(&o.Output, v, "text", "json", "sarif") }},
	{Flag: "--what-if-add", Set: func(o *fileOptions, v string) error {
		o.WhatIf.add = append(o.WhatIf.add, policyFile{policy.Identity, v})
		return nil
	}},
	{Flag: "--what-if-remove", Set: func(o *fileOptions, v string) error {
		o.WhatIf.remove = append(o.WhatIf.remove, v)
		return nil
	}},
	{Flag: "--matrix", Set: func(o *fileOptions, v string) error { o.Matrix = v; return nil }},
	{Flag: "--expect", Set: func(o *fileOptions, v string) error { return ask.Choose(&o.Expect, v, "allow", "deny") }},
}

func addFile(kind policy.Kind) func(*fileOptions, string) error {
	return func(o *fileOptions, path string) error {
		o.Files = append(o.Files, policyFile{kind, path})
		return nil
	}
}

func addTag(tags *map[string]string, v string) error {
	key, value, ok := strings.Cut(v, "=")
	if !ok || key == "" {
		return errors.New("want KEY=VALUE")
	}
	if *tags == nil {
		*tags = make(map[string]string)
	}
	(*tags)[key] = value
	return nil
}

// check says which of the options need others.
func (o *fileOptions) check() error {
	if len(o.Files) > 0 {
		if o.WhatIf.asked() {
			return exit.Usagef("--what-if-add and --what-if-remove change the policies of an account, not those of --policy")
		}
		return nil
	}
	for flag, given := range map[string]bool{"--principal": o.Principal != "", "--target-tag": o.TargetTags != nil, "--document-tag": o.DocumentTags != nil} {
		if given {
			return exit.Usagef("%s is for checks of policy files; give --policy FILE too", flag)
		}
	}
	return nil
}

// read reads the policy files, and tells what in them is none of the caller's.
func (o *fileOptions) read(stderr io.Writer) (policyReading, error) {
	reading, err := readPolicies(o.Files)
	if err != nil {
		return reading, exit.Coded(err.Error(), exit.Config)
	}
	reading.tellLeftOut(stderr)
	return reading, nil
}

// decide answers from what the files say alone; AWS is not asked.
func (o *fileOptions) decide(ctx context.Context, reading policyReading, r guard.Request) (guard.Decision, error) {
	var err error
	r.Caller, err = namedCaller(o.Principal)
	if err != nil {
		return guard.Decision{}, err
	}
	r.Context, r.Closed = o.Context, true
	reading.set.Root = r.Caller.Kind() == guard.Root
	facts := ask.StatedFacts{TargetTags: o.TargetTags, DocumentTags: o.DocumentTags}
	set, unread, err := reading.settle(ctx, r.Caller, guard.Needs(r, guard.Facts(facts)))
	if err != nil {
		return guard.Decision{}, err
	}
	g := guard.Guard{
		Inventory:  facts,
		Simulators: []guard.Simulator{guard.Local{Source: guard.Static(set)}},
	}
	d, err := ask.Judged(ctx, &g, r)
	return reading.qualify(d, unread), err
}

// namedCaller makes a caller of a principal's ARN: a user, a role, a role's
// session, a federated user or root.
func namedCaller(arn string) (guard.Caller, error) {
	if arn == "" {
		arn = someone
	}
	part := strings.SplitN(arn, ":", 6)
	if len(part) != 6 || part[0] != "arn" || part[4] == "" {
		return guard.Caller{}, exit.Usagef("--principal %s: want the ARN of a user, a role or a role's session", arn)
	}
	c := guard.Caller{SessionARN: arn, Principal: arn, Account: part[4], Partition: part[1]}
	prefix := fmt.Sprintf("arn:%s:%%s::%s:", c.Partition, c.Account)
	if name, ok := strings.CutPrefix(part[5], "role/"); ok {
		c.SessionARN = fmt.Sprintf(prefix, "sts") + "assumed-role/" + name[strings.LastIndexByte(name, '/')+1:] + "/session"
	}
	if name, ok := strings.CutPrefix(part[5], "assumed-role/"); ok {
		role, _, _ := strings.Cut(name, "/")
		c.Principal = fmt.Sprintf(prefix, "iam") + "role/" + role
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

// meets tells whether a verdict is what was expected: "allow" or "deny".
func meets(expect string, v policy.Verdict) bool {
	return expect == "allow" && v == policy.Allow || expect == "deny" && v.Denies()
}

// Flags are the options of `ssmguard check`.
func Flags() []string { return ask.SessionFlags("ssm", ask.FlagNames(fileTable)...) }
