package policy

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestContextLookup(t *testing.T) {
	var c Context
	c.SetUnknown("*")
	c.SetUnknown("ssm:resourceTag/*")
	c.SetAbsent("aws:*")
	c.SetAbsent("ssm:resourcetag/n*")
	c.Set("aws:UserName", "alice")
	c.Set("AWS:username", "bob")
	c.SetMulti("aws:TagKeys", "a", "b")
	c.SetUnknown("aws:SourceIp")
	tests := []struct {
		key    string
		values []string
		multi  bool
		state  KeyState
	}{
		{"aws:username", []string{"bob"}, false, KeyKnown},
		{"AWS:TAGKEYS", []string{"a", "b"}, true, KeyKnown},
		{"aws:sourceip", nil, false, KeyUnknown},
		{"aws:other", nil, false, KeyAbsent},
		{"ssm:ResourceTag/Team", nil, false, KeyUnknown},
		{"ssm:resourceTag/Name", nil, false, KeyAbsent},
		{"ec2:x", nil, false, KeyUnknown},
	}
	for _, tt := range tests {
		values, multi, state := c.Lookup(tt.key)
		if diff := cmp.Diff(tt.values, values); diff != "" || multi != tt.multi || state != tt.state {
			t.Errorf("%s: %v %v %v\n%s", tt.key, values, multi, state, diff)
		}
	}
	var zero Context
	if _, _, state := zero.Lookup("x"); state != KeyAbsent {
		t.Error("a key of the zero context is not absent")
	}
}

func TestContextPossible(t *testing.T) {
	var c Context
	c.SetUnknown("*")
	c.SetOneOf("k:few", "a", "b")
	c.Set("k:known", "x")
	c.SetAbsent("k:absent")
	for _, tt := range []struct {
		key    string
		values []string
		ok     bool
	}{
		{"K:Few", []string{"a", "b"}, true},
		{"k:known", []string{"x"}, true},
		{"k:absent", nil, true},
		{"k:other", nil, false},
		{"aws:MultiFactorAuthPresent", []string{"true", "false"}, true},
	} {
		values, ok := c.Possible(tt.key)
		if diff := cmp.Diff(tt.values, values); diff != "" || ok != tt.ok {
			t.Errorf("%s: %v %v", tt.key, values, ok)
		}
	}
	if values, _, state := c.Lookup("k:few"); values != nil || state != KeyUnknown {
		t.Errorf("a key of few values is %v %v", values, state)
	}
}

func TestContextIsAValue(t *testing.T) {
	var a Context
	a.Set("k:a", "1")
	a.SetUnknown("x:*")
	b := a
	b.Set("k:a", "2")
	b.Set("k:b", "2")
	b.SetAbsent("x:*")
	d := a
	d.Set("k:d", "3")
	if v, _, _ := a.Lookup("k:a"); v[0] != "1" {
		t.Error("a copy changed the original")
	}
	if _, _, state := a.Lookup("x:y"); state != KeyUnknown {
		t.Error("a copy changed the original's pattern")
	}
	if _, _, state := b.Lookup("k:d"); state != KeyAbsent {
		t.Error("one copy changed the other")
	}
	if v, _, _ := b.Lookup("k:b"); len(v) != 1 || v[0] != "2" {
		t.Error("the other copy overwrote it")
	}
}

func TestContextEqualAndEntries(t *testing.T) {
	var a, b Context
	a.Set("k:a", "1")
	a.SetMulti("k:b", "x")
	a.SetUnknown("s:*")
	b.SetUnknown("S:*")
	b.SetMulti("K:b", "x")
	b.Set("k:A", "1")
	if !a.Equal(b) || !cmp.Equal(a, b) {
		t.Error("equal contexts differ")
	}
	a.SetOneOf("k:few", "p", "q")
	b.SetOneOf("k:few", "p", "q")
	want := []Entry{{Key: "k:a", Values: []string{"1"}, State: KeyKnown}, {Key: "k:b", Values: []string{"x"}, Multi: true, State: KeyKnown},
		{Key: "k:few", Values: []string{"p", "q"}, State: KeyUnknown}, {Key: "s:*", State: KeyUnknown}}
	if diff := cmp.Diff(want, a.Entries()); diff != "" {
		t.Error(diff)
	}
	for _, change := range []func(c *Context){
		func(c *Context) { c.Set("k:a", "2") },
		func(c *Context) { c.Set("k:c", "2") },
		func(c *Context) { c.Set("k:b", "x") },
		func(c *Context) { c.SetUnknown("k:a") },
		func(c *Context) { c.SetUnknown("k:few") },
		func(c *Context) { c.SetOneOf("k:few", "p") },
		func(c *Context) { c.SetAbsent("s:*") },
		func(c *Context) { c.SetUnknown("t:*") },
		func(c *Context) { c.SetUnknown("*.*") },
		func(c *Context) { c.SetPresent("s:a") },
		func(c *Context) { c.SetSame("s:a", "k:a") },
	} {
		other := a
		change(&other)
		if a.Equal(other) || other.Equal(a) {
			t.Errorf("%v equals %v", a.Entries(), other.Entries())
		}
	}
}

func TestHosts(t *testing.T) {
	var c Context
	c.SetAbsent("*")
	c.SetUnknown("*.*")
	for key, want := range map[string]KeyState{
		"accounts.google.com:aud": KeyUnknown, "saml.example.org/path:sub": KeyUnknown, "ssm:a.b": KeyAbsent, "saml:sub": KeyAbsent, "": KeyAbsent,
	} {
		if _, _, state := c.Lookup(key); state != want {
			t.Errorf("%q is %v, want %v", key, state, want)
		}
	}
	c.SetAbsent("*.*")
	if _, _, state := c.Lookup("accounts.google.com:aud"); state != KeyAbsent || len(c.Entries()) != 2 {
		t.Errorf("%v of %v", state, c.Entries())
	}
}

// TestPresent: what is not known of a key that every request has is its value.
func TestPresent(t *testing.T) {
	var c Context
	c.SetPresent("aws:userid")
	c.SetSame("ssm:resourceTag/id", "aws:userid")
	for condition, want := range map[string]Verdict{
		`{"Null":{"aws:userid":"false"}}`:                                                                        Allow,
		`{"Null":{"aws:userid":"true"}}`:                                                                         ImplicitDeny,
		`{"Null":{"aws:userid":["true","false"]}}`:                                                               Allow,
		`{"StringLike":{"aws:userid":"*"}}`:                                                                      Allow,
		`{"StringLike":{"aws:userid":"A*"}}`:                                                                     Unknown,
		`{"StringNotEqualsIfExists":{"aws:userid":"A"},"Null":{"aws:userid":"false"}}`:                           Unknown,
		`{"StringEquals":{"ssm:resourceTag/id":"${aws:userid}"}}`:                                                Allow,
		`{"StringLike":{"ssm:resourceTag/id":["x","${AWS:userid}*"]}}`:                                           Allow,
		`{"StringNotEquals":{"ssm:resourceTag/id":"${aws:userid}"}}`:                                             ImplicitDeny,
		`{"StringNotLike":{"ssm:resourceTag/id":"${aws:userid}*"}}`:                                              ImplicitDeny,
		`{"StringEquals":{"ssm:resourceTag/id":"${aws:userid}-1"}}`:                                              Unknown,
		`{"StringEquals":{"ssm:resourceTag/id":"${aws:username}"}}`:                                              ImplicitDeny,
		`{"StringEquals":{"ssm:resourceTag/id":"${aws:userid}"},"StringNotLike":{"aws:userid":"AROAEXAMPLE:*"}}`: Unknown,
	} {
		set := Set{Identity: statements(t, Identity, "p", `{"Effect":"Allow","Action":"*","Resource":"*","Condition":`+condition+`}`)}
		if a := set.Evaluate("s:A", "*", c); a.Verdict != want {
			t.Errorf("%s: %v %v, want %v", condition, a.Verdict, a.DependsOn, want)
		}
	}
}
