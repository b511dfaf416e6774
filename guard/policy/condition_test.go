package policy

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// testContext has a key of each kind.
func testContext() *Context {
	var c Context
	c.Set("k:text", "Prod")
	c.Set("k:star", "a*b")
	c.Set("k:empty", "")
	c.Set("k:number", "59.5")
	c.Set("k:date", "2026-03-14T09:26:53Z")
	c.Set("k:bool", "true")
	c.Set("k:ip", "203.0.113.7")
	c.Set("k:arn", "arn:aws:iam::111122223333:role/ops/Dev")
	c.Set("k:binary", "AQID")
	c.SetMulti("k:list", "ssm", "ecs")
	c.SetMulti("k:none")
	c.SetUnknown("k:unknown")
	return &c
}

// condition parses one condition.
func parseCondition(t *testing.T, text string) *condition {
	t.Helper()
	s, err := ParseStatement(Identity, "p", []byte(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{`+text+`}}`))
	if err != nil {
		t.Fatal(err)
	}
	return &s.conditions[0]
}

func TestConditions(t *testing.T) {
	tests := []struct {
		condition string
		want      truth
	}{
		{`"StringEquals":{"k:text":"Prod"}`, yes},
		{`"StringEquals":{"K:TEXT":"Prod"}`, yes},
		{`"stringequals":{"k:text":"Prod"}`, yes},
		{`"StringEquals":{"k:text":"prod"}`, no},
		{`"StringEquals":{"k:text":["x","Prod"]}`, yes},
		{`"StringEquals":{"k:text":"P*"}`, no},
		{`"StringEquals":{"k:text":[]}`, no},
		{`"StringNotEquals":{"k:text":[]}`, yes},
		{`"StringNotEquals":{"k:text":["x","Prod"]}`, no},
		{`"StringNotEquals":{"k:text":["x","y"]}`, yes},
		{`"StringEqualsIgnoreCase":{"k:text":"pROD"}`, yes},
		{`"StringNotEqualsIgnoreCase":{"k:text":"pROD"}`, no},
		{`"StringLike":{"k:text":"P?o*"}`, yes},
		{`"StringLike":{"k:text":"p*"}`, no},
		{`"StringNotLike":{"k:text":"P*"}`, no},
		// absent keys
		{`"StringEquals":{"k:absent":"x"}`, no},
		{`"StringNotEquals":{"k:absent":"x"}`, yes},
		{`"StringEqualsIfExists":{"k:absent":"x"}`, yes},
		{`"StringEqualsIfExists":{"k:text":"x"}`, no},
		{`"StringNotEqualsIfExists":{"k:absent":"x"}`, yes},
		{`"ForAllValues:StringEquals":{"k:absent":"x"}`, yes},
		{`"ForAnyValue:StringEquals":{"k:absent":"x"}`, no},
		{`"ForAnyValue:StringNotEquals":{"k:absent":"x"}`, no},
		{`"ForAnyValue:StringEqualsIfExists":{"k:absent":"x"}`, yes},
		{`"Bool":{"k:absent":"false"}`, no},
		{`"BoolIfExists":{"k:absent":"false"}`, yes},
		// several values
		{`"ForAllValues:StringEquals":{"k:list":["ssm","ecs","x"]}`, yes},
		{`"ForAllValues:StringEquals":{"k:list":["ssm"]}`, no},
		{`"ForAnyValue:StringEquals":{"k:list":["ssm"]}`, yes},
		{`"ForAnyValue:StringNotEquals":{"k:list":["ssm"]}`, yes},
		{`"ForAllValues:StringNotEquals":{"k:list":["ssm"]}`, no},
		{`"StringEquals":{"k:list":["ssm","ecs"]}`, no},
		{`"StringNotEquals":{"k:list":["x"]}`, no},
		{`"ForAllValues:StringEquals":{"k:text":["Prod"]}`, yes},
		{`"ForAnyValue:StringLike":{"k:text":["x*"]}`, no},
		// empty values
		{`"ForAllValues:StringEquals":{"k:empty":"x"}`, yes},
		{`"ForAnyValue:StringEquals":{"k:empty":""}`, no},
		{`"ForAllValues:StringEquals":{"k:none":"x"}`, yes},
		{`"ForAnyValue:StringEquals":{"k:none":"x"}`, no},
		{`"StringEquals":{"k:empty":""}`, yes},
		{`"Null":{"k:empty":"true"}`, yes},
		{`"Null":{"k:none":"true"}`, yes},
		// null
		{`"Null":{"k:text":"false"}`, yes},
		{`"Null":{"k:text":true}`, no},
		{`"Null":{"k:absent":"True"}`, yes},
		{`"Null":{"k:absent":["true","false"]}`, yes},
		{`"Null":{"k:text":"x"}`, no},
		{`"Null":{"k:unknown":"true"}`, maybe},
		{`"Null":{"k:unknown":["true","false"]}`, yes},
		{`"ForAllValues:Null":{"k:text":"true"}`, yes},
		{`"ForAnyValue:Null":{"k:text":"false"}`, no},
		// numbers, dates, booleans, addresses, binary
		{`"NumericEquals":{"k:number":59.50}`, yes},
		{`"NumericNotEquals":{"k:number":"59.5"}`, no},
		{`"NumericLessThan":{"k:number":"60"}`, yes},
		{`"NumericLessThan":{"k:number":"59.5"}`, no},
		{`"NumericLessThanEquals":{"k:number":"59.5"}`, yes},
		{`"NumericGreaterThan":{"k:number":59}`, yes},
		{`"NumericGreaterThanEquals":{"k:number":60}`, no},
		{`"NumericEquals":{"k:text":1}`, no},
		{`"NumericNotEquals":{"k:text":1}`, yes},
		{`"DateEquals":{"k:date":"1773480413"}`, yes},
		{`"DateNotEquals":{"k:date":"2026-03-14"}`, yes},
		{`"DateLessThan":{"k:date":"2026-03-14T09:26:53.5Z"}`, yes},
		{`"DateGreaterThan":{"k:date":"2026-03-14"}`, yes},
		{`"DateGreaterThanEquals":{"k:date":"2026-03-14T14:56:53+05:30"}`, yes},
		{`"DateLessThanEquals":{"k:date":"2026-03-14T09:26:52Z"}`, no},
		{`"Bool":{"k:bool":"TRUE"}`, yes},
		{`"Bool":{"k:bool":false}`, no},
		{`"Bool":{"k:text":"Prod"}`, no},
		{`"Bool":{"k:bool":"${k:bool}"}`, yes},
		{`"IpAddress":{"k:ip":["10.0.0.0/8","203.0.113.0/24"]}`, yes},
		{`"NotIpAddress":{"k:ip":"203.0.113.7"}`, no},
		{`"NotIpAddress":{"k:ip":"2001:db8::/32"}`, yes},
		{`"BinaryEquals":{"k:binary":"AQID"}`, yes},
		{`"BinaryEquals":{"k:binary":"AQIE"}`, no},
		{`"BinaryEquals":{"k:binary":"${k:binary}"}`, no},
		// ARNs
		{`"ArnEquals":{"k:arn":"arn:aws:iam::111122223333:role/ops/Dev"}`, yes},
		{`"ArnLike":{"k:arn":"arn:aws:iam::*:role/*"}`, yes},
		{`"ArnLike":{"k:arn":"arn:aws:*:role/*"}`, no},
		{`"ArnLike":{"k:arn":"ARN:aws:iam::111122223333:role/ops/Dev"}`, no},
		{`"ArnLike":{"k:arn":"*"}`, no},
		{`"ArnNotLike":{"k:arn":"arn:aws:iam::*:role/*"}`, no},
		{`"ArnNotEquals":{"k:arn":"arn:aws:iam::*:user/*"}`, yes},
		{`"ArnLike":{"k:text":"arn:*:*:*:*:*"}`, no},
		{`"ArnLike":{"k:arn":"${k:arn}"}`, yes},
		{`"ArnLike":{"k:arn":"arn:aws:iam::????????????:role/ops/De?"}`, yes},
		// variables
		{`"StringEquals":{"k:text":"${k:text}"}`, yes},
		{`"StringEquals":{"k:text":"${K:Text}"}`, yes},
		{`"StringLike":{"k:text":"${k:absent}"}`, no},
		{`"StringNotLike":{"k:text":"${k:absent}"}`, yes},
		{`"StringLike":{"k:text":"${k:empty}*"}`, no},
		{`"StringLike":{"k:text":"${k:list}*"}`, no},
		{`"StringLike":{"k:text":"${k:list, 'Pr'}*"}`, yes},
		{`"StringEquals":{"k:text":"${k:absent, 'Prod'}"}`, yes},
		{`"StringEquals":{"k:text":"Prod${k:absent, ''}"}`, yes},
		{`"StringLike":{"k:star":"${k:star}"}`, yes},
		{`"StringLike":{"k:text":"${k:star}"}`, no},
		{`"StringLike":{"k:star":"a${*}b"}`, yes},
		{`"StringEquals":{"k:star":"a${*}b"}`, yes},
		{`"StringLike":{"k:text":"a${*}b"}`, no},
		{`"StringLike":{"k:text":"Pro${?}"}`, no},
		{`"StringEquals":{"k:text":"Prod${"}`, no},
		// unknown keys
		{`"StringEquals":{"k:unknown":"x"}`, maybe},
		{`"StringNotEqualsIfExists":{"k:unknown":"x"}`, maybe},
		{`"StringEquals":{"k:text":"${k:unknown}"}`, maybe},
		{`"StringNotEquals":{"k:text":["${k:unknown}","Prod"]}`, no},
		{`"StringEquals":{"k:text":["${k:unknown}","Prod"]}`, yes},
		{`"StringEquals":{"k:text":"${k:unknown}${k:absent}"}`, no},
		{`"StringEquals":{"k:absent":"${k:unknown}"}`, no},
	}
	c := testContext()
	for _, tt := range tests {
		if got := parseCondition(t, tt.condition).holds(c); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.condition, got, tt.want)
		}
	}
}

func TestVariablesNeedTheirVersion(t *testing.T) {
	const statement = `,"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::${aws:username}","Condition":{"StringEquals":{"k":"${aws:username}"}}}}`
	var c Context
	c.Set("aws:username", "al")
	c.Set("k", "al")
	for version, want := range map[string]Verdict{`"Version":"2012-10-17"`: Allow, `"Version":"2008-10-17"`: ImplicitDeny, `"Id":"none"`: ImplicitDeny} {
		d, err := Parse(Identity, "p", []byte("{"+version+statement))
		if err != nil {
			t.Fatal(err)
		}
		if got := (Set{Identity: d.Statements}).Evaluate("s3:GetObject", "arn:aws:s3:::al", c).Verdict; got != want {
			t.Errorf("%s: got %v, want %v", version, got, want)
		}
	}
}

func TestVariableText(t *testing.T) {
	tests := []struct {
		text string
		want []part
	}{
		{"plain", nil},
		{"${open", nil},
		{"a${k}b", []part{{text: "a"}, {key: newContextKey("k"), kind: partVariable}, {text: "b"}}},
		{"${k, 'd'}${*}${open", []part{{text: "d", key: newContextKey("k"), kind: partDefault}, {text: "*", kind: partLiteral}, {text: "${open"}}},
		{"${k,'d'}", []part{{key: newContextKey("k,'d'"), kind: partVariable}}},
		{"${k, 'a, b'}", []part{{text: "a, b", key: newContextKey("k"), kind: partDefault}}},
		{"${ k }", []part{{key: newContextKey("k"), kind: partVariable}}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, splitVariables(nil, tt.text), cmp.AllowUnexported(part{}, contextKey{})); diff != "" {
			t.Errorf("%q:\n%s", tt.text, diff)
		}
	}
}

func TestValuesThatAreNoText(t *testing.T) {
	var c Context
	c.Set("k:bad", "a\xffb")
	if n := parseCondition(t, `"StringLike":{"k:bad":"a\uFFFDb"}`); n.holds(&c) != no {
		t.Error("bytes match a character")
	}
	c.Set("k:text", "axxb")
	if n := parseCondition(t, `"StringLike":{"k:text":"${k:bad}"}`); n.holds(&c) != no {
		t.Error("a byte of a value became a wildcard")
	}
}
