package policy

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// In the texts of TestParseRefuses a ¦ stands where the fault must be reported.

// one wraps a statement into a document.
func one(statement string) string {
	return `{"Version":"2012-10-17","Statement":` + statement + `}`
}

// allow is a statement with one more or changed element.
func allow(elements string) string {
	return one(`{"Effect":"Allow","Action":"s3:ListBucket",` + elements + `}`)
}

const anywhere = `"Resource":"*"`

func TestParseRefuses(t *testing.T) {
	tests := []struct {
		name, text, want string
		kind             Kind
	}{
		{"no JSON", `¦This is not`, `found 'T' where '{' of the policy document is expected`, Identity},
		{"empty", `¦`, `the document ends where '{' of the policy document is expected`, Identity},
		{"array", `¦[]`, `found '[' where '{' of the policy document is expected`, Identity},
		{"behind the end", one(`{"Effect":"Allow","Action":"*","Resource":"*"}`) + "\n ¦x", `found 'x' where the end of the document is expected`, Identity},
		{"unclosed", `{"Statement":[¦`, `the document ends where '{' of a statement is expected`, Identity},
		{"missing comma", "{\n \"Version\":\"2012-10-17\"\n ¦\"Statement\":[]}", `found '"' where ',' or '}' is expected`, Identity},
		{"comma too many", `{"Statement":¦[],}`, `the document has no statements`, Identity},
		{"comma at the end of an object", `{"Version":"2012-10-17",¦}`, `found '}' where another member is expected`, Identity},
		{"comma at the end of an array", allow(`"Resource":["*",¦]`), `found ']' where another member is expected`, Identity},
		{"unquoted name", `{¦Version:1}`, `found 'V' where a quoted name is expected`, Identity},
		{"no colon", `{"Version" ¦"2012-10-17"}`, `found '"' where ':' after the name is expected`, Identity},
		{"open string", `{"Version":¦"2012`, `the string is not closed`, Identity},
		{"open escape", `{"Version":"2012¦\`, `the escape is not one of JSON's`, Identity},
		{"open after escape", `{"Version":¦"\n2012`, `the string is not closed`, Identity},
		{"bad escape", `{"Version":"¦\x"}`, `the escape is not one of JSON's`, Identity},
		{"bad hex", `{"Version":"¦\u00g0"}`, `the escape is not one of JSON's`, Identity},
		{"control character", "{\"Version\":\"2012¦\x01\"}", `a control character must be escaped`, Identity},
		{"control character behind escape", "{\"Version\":\"\\n¦\x01\"}", `a control character must be escaped`, Identity},
		{"no UTF-8", "{\"Id\":\"¦\xff\"}", `the text is not valid UTF-8`, Identity},
		{"no UTF-8 behind escape", "{\"Id\":\"¦\\n\xff\"}", `the text is not valid UTF-8`, Identity},
		{"version unknown", `{"Version":¦"2013-10-17","Statement":[]}`, `the version must be 2012-10-17 or 2008-10-17`, Identity},
		{"version a number", `{"Version":¦2012}`, `found '2' where a version is expected`, Identity},
		{"version twice", `{"Version":"2012-10-17",¦"Version":"2012-10-17"}`, `Version stands here twice`, Identity},
		{"no statement", `¦{"Version":"2012-10-17"}`, `the document has no Statement`, Identity},
		{"empty statements", one(`¦[]`), `the document has no statements`, Identity},
		{"statement a string", one(`[¦"afd"]`), `found '"' where '{' of a statement is expected`, Identity},
		{"statements null", one(`¦null`), `found 'n' where '[' or '{' of a statement is expected`, Identity},
		{"unknown element", `{"Statement":¦{},"Extra field":"value"}`, `the statement has no Effect`, Identity},
		{"unknown element first", `{¦"Extra field":"value"}`, `a policy document has no element "Extra field"`, Identity},
		{"elements have case", `{¦"version":"2012-10-17"}`, `a policy document has no element "version"`, Identity},
		{"unknown statement element", allow(`¦"Extra field":"value"`), `a statement has no element "Extra field"`, Identity},
		{"id a list", `{"Id":¦["x"]}`, `found '[' where a string is expected`, Identity},
		{"no effect", one(`¦{"Action":"s3:ListBucket","Resource":"*"}`), `the statement has no Effect`, Identity},
		{"effect in another case", one(`{"Effect":¦"allow"}`), `the Effect must be Allow or Deny, written like this`, Identity},
		{"no action", one(`¦{"Effect":"Allow","Resource":"*"}`), `the statement has neither Action nor NotAction`, Identity},
		{"no resource", one(`¦{"Effect":"Allow","Action":"*"}`), `the statement has neither Resource nor NotResource`, Identity},
		{"both actions", allow(`¦"NotAction":"iam:x","Resource":"*"`), `Action or NotAction stands here twice`, Identity},
		{"both resources", allow(`"Resource":"*",¦"NotResource":"*"`), `Resource or NotResource stands here twice`, Identity},
		{"effect twice", allow(`¦"Effect":"Deny"`), `Effect stands here twice`, Identity},
		{"empty actions", one(`{"Effect":"Allow","Action":¦[],"Resource":"*"}`), `the statement names no action`, Identity},
		{"empty resources", allow(`"Resource":¦[]`), `the statement names no resource`, Identity},
		{"action an object", one(`{"Effect":"Allow","Action":¦{}}`), `found '{' where an action is expected`, Identity},
		{"nested actions", one(`{"Effect":"Allow","Action":[¦[]]}`), `found '[' where an action is expected`, Identity},
		{"action without service", one(`{"Effect":"Allow","Action":¦"invalid"}`), `the action "invalid" has no service prefix`, Identity},
		{"action empty", one(`{"Effect":"Allow","NotAction":¦""}`), `the action "" has no service prefix`, Identity},
		{"action with two colons", one(`{"Effect":"Allow","Action":¦"s3:List:Bucket"}`), `the action "s3:List:Bucket" has more than one colon`, Identity},
		{"service with a space", one(`{"Effect":"Allow","Action":¦"a a:List"}`), `"a a" is not a service prefix`, Identity},
		{"service with a wildcard", one(`{"Effect":"Allow","Action":¦"s*:List"}`), `"s*" is not a service prefix`, Identity},
		{"service empty", one(`{"Effect":"Allow","Action":¦":List"}`), `"" is not a service prefix`, Identity},
		{"resource no ARN", allow(`"Resource":[¦"adf"]`), `the resource "adf" is neither an ARN nor "*"`, Identity},
		{"resource empty", allow(`"Resource":¦""`), `the resource "" is neither an ARN nor "*"`, Identity},
		{"resource a wildcard more", allow(`"Resource":¦"**"`), `the resource "**" is neither an ARN nor "*"`, Identity},
		{"partition unknown", allow(`"Resource":¦"arn:error:s3:::b"`), `"error" is not a partition of AWS`, Identity},
		{"partition empty", allow(`"Resource":¦"arn::s3:::b"`), `"" is not a partition of AWS`, Identity},
		{"no service", allow(`"Resource":¦"arn:aws"`), `the service of "arn:aws" must be named, without wildcards`, Identity},
		{"service a wildcard", allow(`"Resource":¦"arn:aws:*:*:*:*x"`), `the service of "arn:aws:*:*:*:*x" must be named, without wildcards`, Identity},
		{"service of the ARN empty", allow(`"Resource":¦"arn:aws::::b"`), `the ARN "arn:aws::::b" is not complete`, Identity},
		{"ARN a colon short", allow(`"NotResource":¦"arn:aws:s3::b"`), `the ARN "arn:aws:s3::b" is not complete`, Identity},
		{"IAM with region", allow(`"Resource":¦"arn:aws:iam:us-east-1::user/x"`), `the ARN "arn:aws:iam:us-east-1::user/x" names a region, IAM has none`, Identity},
		{"S3 with region", allow(`"Resource":¦"arn:aws:s3:us-east-1::b"`), `the ARN "arn:aws:s3:us-east-1::b" names a region, S3's have none`, Identity},
		{"IAM resource type", allow(`"Resource":¦"arn:aws:iam:::example"`), `the ARN "arn:aws:iam:::example" names no resource type of IAM`, Identity},
		{"sid with a hyphen", one(`{"Sid":¦"a-b"}`), `a Sid may hold only the letters a-z and A-Z and digits`, Identity},
		{"sid a list", one(`{"Sid":¦[]}`), `found '[' where a string is expected`, Identity},
		{"sid twice", one(`[{"Sid":"a","Effect":"Allow","Action":"*","Resource":"*"},¦{"Sid":"a","Effect":"Deny","Action":"*","Resource":"*"}]`), `the Sid "a" stands in two statements`, Identity},
		{"condition a list", allow(`"Condition":¦[]`), `found '[' where '{' of the conditions is expected`, Identity},
		{"condition a string", allow(`"Condition":{"a":¦"b"}`), `found '"' where '{' of the operator's keys is expected`, Identity},
		{"operator unknown", allow(`"Condition":{¦"x":{"a:b":"1"}}`), `there is no condition operator "x"`, Identity},
		{"qualifier unknown", allow(`"Condition":{¦"ForSome:StringEquals":{"a:b":"1"}}`), `there is no condition operator "ForSome:StringEquals"`, Identity},
		{"two colons", allow(`"Condition":{¦"ForAnyValue::StringEquals":{"a:b":"1"}}`), `there is no condition operator "ForAnyValue::StringEquals"`, Identity},
		{"operator twice", allow(`"Condition":{"Bool":{"a:b":"true"},¦"Bool":{"a:b":"true"}}`), `the operator Bool stands here twice`, Identity},
		{"key twice", allow(`"Condition":{"Bool":{"a:b":"true",¦"a:b":"false"}}`), `the key a:b stands here twice`, Identity},
		{"value an object", allow(`"Condition":{"Bool":{"a:b":¦{}}}`), `found '{' where a string, number or boolean is expected`, Identity},
		{"value null", allow(`"Condition":{"Bool":{"a:b":¦null}}`), `found 'n' where a string, number or boolean is expected`, Identity},
		{"value a bad word", allow(`"Condition":{"Bool":{"a:b":¦trie}}`), `found 't' where a string, number or boolean is expected`, Identity},
		{"value a bad number", allow(`"Condition":{"NumericEquals":{"a:b":¦01}}`), `this is not a number of JSON`, Identity},
		{"value half a number", allow(`"Condition":{"NumericEquals":{"a:b":¦1.}}`), `this is not a number of JSON`, Identity},
		{"value half an exponent", allow(`"Condition":{"NumericEquals":{"a:b":¦1e+}}`), `this is not a number of JSON`, Identity},
		{"date", allow(`"Condition":{"DateGreaterThan":{"a:b":¦"sdfdsf"}}`), `"sdfdsf" is not a date`, Identity},
		{"principal", allow(`¦"Principal":"*"`), `identity policies have no Principal`, Identity},
		{"principal in a boundary", allow(`¦"NotPrincipal":"*"`), `boundary policies have no NotPrincipal`, Boundary},
		{"principal in a session policy", allow(`¦"Principal":"*"`), `session policies have no Principal`, Session},
		{"principal in an SCP", allow(`¦"Principal":"*"`), `service control policies have no Principal`, SCP},
		{"RCP without principal", one(`¦{"Effect":"Deny","Action":"s3:*","Resource":"*"}`), `a statement of a resource control policy needs the Principal "*"`, RCP},
		{"RCP with another principal", allow(`"Principal":¦{"AWS":"111122223333"},"Resource":"*"`), `the Principal of a resource control policy must be "*"`, RCP},
		{"RCP with NotPrincipal", allow(`¦"NotPrincipal":"*"`), `a resource control policy has no NotPrincipal`, RCP},
		{"RCP with NotAction", one(`¦{"Effect":"Deny","Principal":"*","NotAction":"s3:*","Resource":"*"}`), `a resource control policy has no NotAction`, RCP},
		{"RCP of 2008", `{"Version":¦"2008-10-17","Statement":[]}`, `a resource control policy must be of version 2012-10-17`, RCP},
		{"principal a word", allow(`"Principal":¦"me"`), `the principal must be "*" or an object`, Endpoint},
		{"principal of no kind", allow(`"Principal":{¦"Me":"x"}`), `there are no principals "Me"`, Endpoint},
		{"principal no ARN", allow(`"Principal":{"AWS":¦"x"}`), `"x" is no principal`, Endpoint},
		{"principal a list", allow(`"Principal":¦[]`), `found '[' where '{' or "*" of the principal is expected`, Endpoint},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before, _, marked := strings.Cut(tt.text, "¦")
			if !marked {
				t.Fatal("the place of the fault is not marked")
			}
			_, err := Parse(tt.kind, "p", []byte(strings.Replace(tt.text, "¦", "", 1)))
			var got *SyntaxError
			if !errors.As(err, &got) {
				t.Fatalf("error %v is no SyntaxError", err)
			}
			line := 1 + strings.Count(before, "\n")
			column := 1 + utf8.RuneCountInString(before[strings.LastIndex(before, "\n")+1:])
			if diff := cmp.Diff(&SyntaxError{Source: "p", Line: line, Column: column, Msg: tt.want}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseAccepts(t *testing.T) {
	tests := []struct {
		name, text string
		kind       Kind
	}{
		{"one statement", one(`{"Effect":"Allow","Action":"*","Resource":"*"}`), Identity},
		{"elements in any order", `{"Statement":{"Resource":"*","Action":"*","Effect":"Deny"},"Id":"x","Version":"2008-10-17"}`, Identity},
		{"no version", `{"Statement":{"Resource":"*","Action":"*","Effect":"Deny"}}`, Identity},
		{"action with spaces", one(`{"Effect":"Allow","Action":"iam: asdf safdsf ","Resource":"*"}`), Identity},
		{"service with dot and hyphen", one(`{"Effect":"Allow","Action":["s3-s:x","s3.s:y"],"Resource":"*"}`), Identity},
		{"every service", one(`{"Effect":"Allow","Action":["*:*","*:List"],"Resource":"*"}`), Identity},
		{"short ARN", allow(`"Resource":"arn:aws:fdsasf"`), Identity},
		{"service of nobody", allow(`"Resource":"arn:aws:invalid-service:us-east-1::x"`), Identity},
		{"other partitions", allow(`"Resource":["arn:aws-cn:s3:::b","arn:aws-us-gov:s3:::b","arn:*:s3:::b","arn:aws*:s3:::b"]`), Identity},
		{"S3 access point", allow(`"Resource":["arn:aws:s3:us-east-1:111122223333:accesspoint/x","arn:aws:s3:*:b/*"]`), Identity},
		{"IAM resources", allow(`"Resource":["arn:aws:iam::*:user/${aws:username}","arn:aws:iam::111122223333:root","arn:aws:iam::*:*","arn:aws:iam::*:us*"]`), Identity},
		{"variables anywhere", allow(`"Resource":["arn:aws:ec2:us-*:*:instance/${ss","arn:aws:s3:::b/${a:b, 'c'}"]`), Identity},
		{"empty condition", allow(anywhere + `,"Condition":{}`), Identity},
		{"empty operator", allow(anywhere + `,"Condition":{"DateGreaterThan":{}}`), Identity},
		{"unknown operator without keys", allow(anywhere + `,"Condition":{"a":{}}`), Identity},
		{"empty values", allow(anywhere + `,"Condition":{"DateGreaterThan":{"a":[]}}`), Identity},
		{"key without prefix", allow(anywhere + `,"Condition":{"StringEqualsIfExists":{"a":"asf"}}`), Identity},
		{"values of all types", allow(anywhere + `,"Condition":{"StringLike":{"a:b":["x",true,-1.5e+3,0,false]}}`), Identity},
		{"dates", allow(anywhere + `,"Condition":{"DateLessThan":{"a:b":["01T","2019-07-01T13:20:15Z","2016-12-13T21:20:37.593194+00:00","2016-12-13t2:00:00.593194+23","-292275054","1773480413"]}}`), Identity},
		{"numbers that are none", allow(anywhere + `,"Condition":{"NumericEquals":{"a:b":"x"},"IpAddress":{"a:b":"10.0.0.0/33"}}`), Identity},
		{"empty sids", one(`[{"Sid":"","Effect":"Allow","Action":"*","Resource":"*"},{"Sid":"","Effect":"Allow","Action":"*","Resource":"*"}]`), Identity},
		{"sid of an endpoint", one(`{"Sid":"Access-to-one","Principal":"*","Effect":"Allow","Action":"*","Resource":"*"}`), Endpoint},
		{"endpoint without principal", one(`{"Effect":"Allow","Action":"*","Resource":"*"}`), Endpoint},
		{"endpoint principals", one(`{"Principal":{"AWS":["111122223333","arn:aws:iam::111122223333:root","arn:aws:iam::111122223333:role/x","*"],"Service":"x","Federated":"y","CanonicalUser":"z"},"Effect":"Allow","Action":"*","Resource":"*"}`), Endpoint},
		{"SCP", one(`{"Effect":"Allow","NotAction":"iam:*","NotResource":"arn:aws:s3:::x","Condition":{"Bool":{"a:b":"true"}}}`), SCP},
		{"RCP", one(`{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}`), RCP},
		{"escapes", "{\"Statement\":{\"Resource\":\"\\u002a\",\"Action\":\"\\u002A\",\"\\u0045ffect\":\"Deny\",\"Sid\":\"\"},\"Id\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\ud83d\\ude00\\ud800é\"}", Identity},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, err := Parse(tt.kind, "p", []byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			roundTrip(t, d)
		})
	}
}

func TestParseKeepsWhatItReads(t *testing.T) {
	text := `{
  "Version": "2012-10-17",
  "Id": "\ud83d\ude00 \ud800 \"\/",
  "Statement": [
    {"Sid": "First", "Effect": "Deny", "NotAction": ["ssm:A*", "ssm:b"], "Resource": "*"},
    {
      "Effect": "Allow", "Action": "ssm:StartSession", "NotResource": ["arn:aws:s3:::a", "arn:aws:s3:::${aws:username}/*"],
      "Condition": {"StringEquals": {"aws:a/b:c": ["1", 2, true]}, "Null": {"x": "false"}}
    }
  ]
}`
	d, err := Parse(Session, "inline", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if d.ID != "😀 \uFFFD \"/" || d.Version != "2012-10-17" || d.Source != "inline" || d.Kind != Session {
		t.Errorf("document %q %q %q %v", d.ID, d.Version, d.Source, d.Kind)
	}
	a, b := &d.Statements[0], &d.Statements[1]
	if diff := cmp.Diff([]Pos{{"inline", 0, "First", 5}, {"inline", 1, "", 6}}, []Pos{a.At, b.At}); diff != "" {
		t.Error(diff)
	}
	if !a.Denies() || a.Effect() != "Deny" || b.Effect() != "Allow" || b.kind != Session || b.Version() != "2012-10-17" {
		t.Errorf("%v %v %v %v", a.Effect(), b.Effect(), b.kind, b.Version())
	}
	lists := [][]string{texts(a.actions, actionText), a.Actions(), a.Resources(), a.NotResources(), texts(b.actions, actionText), b.Actions(), b.Resources(), b.NotResources()}
	want := [][]string{{"ssm:A*", "ssm:b"}, nil, {"*"}, nil, {"ssm:StartSession"}, {"ssm:StartSession"}, nil, {"arn:aws:s3:::a", "arn:aws:s3:::${aws:username}/*"}}
	if diff := cmp.Diff(want, lists); diff != "" {
		t.Error(diff)
	}
	conditions := []Condition{
		{"StringEquals", "aws:a/b:c", []string{"1", "2", "true"}},
		{"Null", "x", []string{"false"}},
	}
	if diff := cmp.Diff(conditions, b.Conditions()); diff != "" {
		t.Error(diff)
	}
}

func TestParseWarns(t *testing.T) {
	long := allow(anywhere + `,"Condition":{"StringEquals":{"a:b":"` + strings.Repeat("x", 7000) + `"}}`)
	tests := []struct {
		name, text, want string
		kind             Kind
	}{
		{"variable of 2008", `{"Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${aws:username}"}}`, `1:14 "${" is plain text here: policy variables need Version 2012-10-17`, Identity},
		{"variable in a condition of 2008", `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringLike":{"a:b":"${c:d}"}}}}`, `1:14 "${" is plain text here: policy variables need Version 2012-10-17`, Identity},
		{"action with a space", one(`{"Effect":"Allow","Action":"ssm: Start","Resource":"*"}`), `1:64 an action with a space matches nothing`, Identity},
		{"operator in another case", allow(anywhere + `,"Condition":{"stringequals":{"a:b":"x"}}`), `1:108 AWS spells this operator differently`, Identity},
		{"null with IfExists", allow(anywhere + `,"Condition":{"NullIfExists":{"a:b":"true"}}`), `1:108 Null takes no IfExists`, Identity},
		{"null of a set", allow(anywhere + `,"Condition":{"ForAllValues:Null":{"a:b":"true"}}`), `1:108 Null with a set qualifier is the same for every request`, Identity},
		{"key in two cases", allow(anywhere + `,"Condition":{"Bool":{"a:b":"true","A:b":"true"}}`), `1:129 the key stands here twice, in different case`, Identity},
		{"no number", allow(anywhere + `,"Condition":{"NumericEquals":{"a:b":"x"}}`), `1:131 the value is not of the operator's type and matches nothing`, Identity},
		{"sid of an SCP", one(`{"Sid":"a b","Effect":"Allow","Action":"*","Resource":"*"}`), `1:44 a Sid should hold letters and digits only`, SCP},
		{"long", long, fmt.Sprintf(`0:0 the document has %d characters: AWS takes at most 6144`, len(long)), Boundary},
		{"long for a user", strings.Replace(long, strings.Repeat("x", 4500), "", 1), fmt.Sprintf(`0:0 the document has %d characters: an inline policy of a user may have at most 2048`, len(long)-4500), Identity},
		{"long for a managed policy", long, fmt.Sprintf(`0:0 the document has %d characters: only an inline policy of a role may have more than 6144`, len(long)), Identity},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, err := Parse(tt.kind, "p", []byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, w := range d.Warnings {
				got = append(got, fmt.Sprintf("%d:%d %s", w.Line, w.Column, w.Msg))
			}
			if diff := cmp.Diff([]string{tt.want}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseStatement(t *testing.T) {
	s, err := ParseStatement(Identity, "proposal", []byte(`{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:s3:::${aws:username}"}`))
	if err != nil {
		t.Fatal(err)
	}
	var c Context
	c.Set("aws:username", "al")
	if s.At.Source != "proposal" || !s.MatchesResource("arn:aws:s3:::al", c) {
		t.Errorf("%+v", s.At)
	}
	if _, err := ParseStatement(Identity, "proposal", []byte(`{"Effect":"Allow"}`)); err == nil {
		t.Error("half a statement was taken")
	}
	if _, err := ParseStatement(Identity, "proposal", []byte(`{"Effect":"Allow","Action":"*","Resource":"*"} {}`)); err == nil {
		t.Error("two statements were taken")
	}
}

func TestParseIsBounded(t *testing.T) {
	deep := strings.Repeat("[", 100000)
	if _, err := Parse(Identity, "p", []byte(`{"Statement":`+deep)); err == nil {
		t.Error("took a hundred thousand brackets")
	}
	var d CaseEvaluator
	if got := string(d.Decide(nil, `{"other":`+deep)); !strings.Contains(got, "nested too deeply") {
		t.Error(got)
	}
}
