package prove

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"ssmguard/guard"
	"ssmguard/guard/policy"
)

func parse(t testing.TB, text string) policy.Set {
	t.Helper()
	d, err := policy.Parse(policy.Identity, "p.json", []byte(`{"Version":"2012-10-17","Statement":[`+text+`]}`))
	if err != nil {
		t.Fatal(err)
	}
	return policy.Set{Identity: d.Statements}
}

// dev is a named user; nobody is any of a kind.
func dev() guard.Caller {
	arn := "arn:aws:iam::111122223333:user/dev"
	return guard.Caller{SessionARN: arn, Principal: arn, Account: "111122223333", Partition: "aws", Unknown: []string{guard.UnknownPrincipalTags, guard.UnknownCredentials}}
}

func nobody() guard.Caller {
	c := dev()
	c.Unknown = append(c.Unknown, guard.UnknownPrincipal)
	return c
}

const (
	anything = `{"Effect":"Allow","Action":"ssm:StartSession","Resource":"*"}`
	bastions = `{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ec2:*:*:instance/*","Condition":{"StringEquals":{"ssm:resourceTag/Name":"bastion"}}}`
	noShell  = `{"Effect":"Deny","Action":"ssm:StartSession","Resource":"arn:aws:ssm:*:*:document/SSM-SessionManagerRunShell"}`
	forwards = `{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ssm:*::document/AWS-StartPortForwardingSession"}`
)

func TestClaims(t *testing.T) {
	const shell, forwarding = guard.DefaultDocument, "AWS-StartPortForwardingSession"
	for _, tc := range []struct {
		name    string
		policy  string
		claim   func(policy.Set, Range) Result
		in      Range
		target  string // of the counterexample; "" if it is proven
		because string // tags, document, context and statement of the counterexample
	}{
		{"no shell", anything + "," + noShell, Denied, Range{Request: guard.Request{Document: shell}}, "", ""},
		{"no session", anything + "," + noShell, Denied, Range{}, "i-0123456789abcdef0", `map[] AWS-StartSSHSession map[] p.json, statement 1 (allowed)`},
		{"every port forwarding", anything + "," + noShell, Allowed, Range{Request: guard.Request{Document: forwarding}}, "", ""},
		{"a document has no tags", `{"Effect":"Allow","Action":"ssm:StartSession","Resource":"*","Condition":{"StringEquals":{"ssm:resourceTag/Name":"bastion"}}}`,
			Denied, Range{Request: guard.Request{Document: forwarding}}, "", ""},
		{"a bastion", bastions + "," + forwards, Allowed, Range{Request: guard.Request{Document: forwarding}, Kinds: []Kind{Instance}, Tags: map[string]string{"Name": "bastion"}}, "", ""},
		{"another kind of node", bastions + "," + forwards, Allowed, Range{Request: guard.Request{Document: forwarding}, Tags: map[string]string{"Name": "bastion"}},
			"mi-0123456789abcdef0", `map[Name:bastion] AWS-StartPortForwardingSession map[]  (denied)`},
		{"other instances", bastions + "," + forwards, Denied, Range{Without: map[string][]string{"Name": {"bastion"}}}, "", ""},
		{"an address", `{"Effect":"Allow","Action":"ssm:StartSession","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}`,
			Denied, Range{Request: guard.Request{Document: shell}}, "i-0123456789abcdef0", `map[] SSM-SessionManagerRunShell map[aws:SourceIp:[10.0.0.0]] p.json, statement 1 (allowed)`},
		{"two grants, one address", `{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ec2:*:*:instance/*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}},
			{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ssm:*:*:document/*","Condition":{"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}`,
			Denied, Range{}, "", ""},
		{"one instance of many", `{"Effect":"Allow","Action":"ssm:StartSession","Resource":["arn:aws:ec2:*:*:instance/i-00000000000000007","arn:aws:ssm:*:*:document/*"]}`,
			Denied, Range{Request: guard.Request{Document: shell}}, "i-00000000000000007", `map[] SSM-SessionManagerRunShell map[] p.json, statement 1 (allowed)`},
		{"a document of a pattern", anything + `,{"Effect":"Deny","Action":"ssm:StartSession","NotResource":["arn:aws:ec2:*:*:*","arn:aws:ssm:*:*:document/Corp-*"]}`,
			Denied, Range{Kinds: []Kind{Instance}}, "i-0123456789abcdef0", `map[] Corp-Session map[] p.json, statement 1 (allowed)`},
		{"a document of one other account", `{"Effect":"Allow","Action":"ssm:StartSession","Resource":["arn:aws:ec2:*:*:instance/*","arn:aws:ssm:*:99?988887777:document/*"]}`,
			Denied, Range{Kinds: []Kind{Instance}}, "i-0123456789abcdef0", `map[] arn:aws:ssm:us-east-1:999988887777:document/Corp-Session map[] p.json, statement 1 (allowed)`},
		{"a document of an account that a condition names", anything + `,{"Effect":"Deny","Action":"*","Resource":"arn:aws:ssm:*:*:document/*","Condition":{"StringNotEquals":{"aws:ResourceAccount":"999988887777"}}}`,
			Denied, Range{Kinds: []Kind{Instance}}, "i-0123456789abcdef0", `map[] arn:aws:ssm:us-east-1:999988887777:document/Corp-Session map[] p.json, statement 1 (allowed)`},
		{"a region", anything + `,{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringNotEquals":{"aws:RequestedRegion":"eu-west-1"}}}`,
			Denied, Range{Request: guard.Request{Region: "us-east-1"}}, "", ""},
		{"a tag by both of its keys", `{"Effect":"Allow","Action":"ssm:StartSession","Resource":"*","Condition":{"StringLike":{"aws:ResourceTag/Name":"a*"},"StringNotEquals":{"ssm:resourceTag/Name":["a","z"]}}}`,
			Denied, Range{Request: guard.Request{Document: shell}, Kinds: []Kind{Instance}}, "i-0123456789abcdef0", `map[Name:aa] SSM-SessionManagerRunShell map[] p.json, statement 1 (allowed)`},
		{"a key of the document alone", anything + `,{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringEquals":{"ssm:DocumentType":"Port"}}}`,
			Denied, Range{Request: guard.Request{Context: map[string][]string{"document:ssm:DocumentType": {"Port"}}}}, "", ""},
		{"a role's session, not a user", anything + `,{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"Null":{"aws:username":"true"}}}`,
			Allowed, Range{Request: guard.Request{Document: shell}}, "", ""},
	} {
		in := tc.in
		in.Facts = guard.UnknownFacts()
		in.Request.Caller = nobody()
		r := tc.claim(parse(t, tc.policy), in)
		switch {
		case r.Proven != (tc.target == "") || r.Proven != (r.Counter == nil) || len(r.Open) > 0:
			t.Errorf("%s: proven %t, open %q, counterexample %+v", tc.name, r.Proven, r.Open, r.Counter)
		case !r.Proven:
			how := "allowed"
			if r.Counter.Denied {
				how = "denied"
			}
			got := fmt.Sprintf("%v %s %v %s (%s)", r.Counter.TargetTags, r.Counter.Document, r.Counter.Context, r.Counter.Statement, how)
			if r.Counter.Target != tc.target || got != tc.because {
				t.Errorf("%s: %s, %s", tc.name, r.Counter.Target, got)
			}
		}
	}
}

// What cannot be read is no proof.
func TestNotDecided(t *testing.T) {
	set := parse(t, bastions)
	set.Partial = []policy.Kind{policy.SCP}
	in := Range{Request: guard.Request{Caller: dev(), Document: "AWS-StartSSHSession"}, Facts: guard.UnknownFacts()}
	set.Identity = parse(t, anything).Identity
	if r := Allowed(set, in); r.Proven || r.Counter != nil || !slices.Equal(r.Open, []string{"service control policies"}) {
		t.Errorf("%+v", r)
	}
	in.Request.Caller.Partition = "aws-moon"
	if r := Denied(set, in); r.Proven || len(r.Open) == 0 {
		t.Errorf("an unknown partition: %+v", r)
	}
}

// Where a name leaves a variable several values, no proof is made of it, but where it does not
// matter.
func TestVariablesInNames(t *testing.T) {
	const (
		instances = `{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ec2:*:*:instance/*"}`
		twice     = `{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ssm:*:*:document/*${aws:PrincipalTag/a}-${aws:PrincipalTag/a}*"}`
		both      = `{"Effect":"Allow","Action":"ssm:StartSession","Resource":["arn:aws:ec2:*:*:instance/i-${aws:PrincipalTag/a}","arn:aws:ssm:*:*:document/Corp-${aws:PrincipalTag/a}"]}`
		shell     = `{"Effect":"Deny","Action":"*","NotResource":["arn:aws:ec2:*:*:instance/*","arn:aws:ssm:*:*:document/*${aws:PrincipalTag/a}x*"]}`
	)
	for _, tc := range []struct {
		name, policy string
		proven       bool
	}{
		{"one value for target and document", both, false},
		{"a Deny of all", instances + "," + twice + `,{"Effect":"Deny","Action":"*","Resource":"*"}`, true},
		{"no document at all", both + `,{"Effect":"Deny","Action":"*","Resource":"arn:aws:ssm:*:*:document/*"}`, true},
		{"no document but in NotResource", instances + "," + shell, true},
		{"what is allowed where it is denied", instances + "," + shell + "," + strings.Replace(shell, "Deny", "Allow", 1), true},
		{"two names of one value", instances + `,{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ssm:*:*:document/A-${aws:PrincipalTag/a}*"},{"Effect":"Deny","Action":"*","NotResource":["arn:aws:ec2:*:*:instance/*","arn:aws:ssm:*:*:document/?-${aws:PrincipalTag/a}*b"]},{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringLike":{"aws:PrincipalTag/a":["?","??"]}}}`, false},
	} {
		r := Denied(parse(t, tc.policy), Range{Request: guard.Request{Caller: dev()}, Kinds: []Kind{Instance}, Facts: guard.UnknownFacts()})
		if r.Proven != tc.proven || r.Counter != nil || len(r.Open) > 0 == tc.proven {
			t.Errorf("%s: proven %t, open %q, counterexample %+v", tc.name, r.Proven, r.Open, r.Counter)
		}
	}
}

func TestNoMore(t *testing.T) {
	for _, tc := range []struct {
		old, new string
		want     string // grant of the counterexample and what it is about, "" if it is proven
	}{
		{anything, bastions, ""},
		{bastions, anything, "start/target i-0123456789abcdef0 map[]"},
		{bastions, bastions + "," + forwards, "start/document i-0123456789abcdef0 map[]"},
		{bastions + "," + forwards, forwards + "," + bastions, ""},
		{anything, anything + "," + noShell, ""},
		{anything + "," + noShell, anything, "start/document i-0123456789abcdef0 map[]"},
		{bastions, strings.Replace(bastions, "StringEquals", "StringLike", 1), ""},
		{bastions, strings.Replace(bastions, `"bastion"`, `["bastion","web"]`, 1), "start/target i-0123456789abcdef0 map[Name:web]"},
		{anything, `{"Effect":"Allow","Action":"ssm:TerminateSession","Resource":"*"}`, "terminate i-0123456789abcdef0 map[]"},
	} {
		r := NoMore(parse(t, tc.old), parse(t, tc.new), Range{Request: guard.Request{Caller: dev()}, Facts: guard.UnknownFacts()})
		got := ""
		if r.Counter != nil {
			got = fmt.Sprintf("%s %s %v", r.Counter.Grant, r.Counter.Target, r.Counter.TargetTags)
		}
		if got != tc.want || r.Proven != (tc.want == "") || len(r.Open) > 0 {
			t.Errorf("%s\n%s\n%q, want %q, open %q", tc.old, tc.new, got, tc.want, r.Open)
		}
	}
}
