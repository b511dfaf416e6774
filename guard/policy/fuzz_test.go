package policy

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"ssmguard/internal/memtest"
)

// seedDocuments are policies of every kind from the situations.
func seedDocuments(f *testing.F) {
	text, err := os.ReadFile("testdata/start-session.json")
	if err != nil {
		f.Fatal(err)
	}
	var all []situation
	if err := json.Unmarshal(text, &all); err != nil {
		f.Fatal(err)
	}
	for _, s := range all {
		for _, p := range s.Policies {
			f.Add(uint8(Identity), []byte(p.Document))
		}
	}
}

// FuzzParse checks that no input panics, that faults have a place inside the
// text, and that what is accepted prints and parses again to the same.
func FuzzParse(f *testing.F) {
	seedDocuments(f)
	f.Add(uint8(RCP), []byte(`{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}}`))
	f.Add(uint8(Endpoint), []byte(`{"Statement":[{"Effect":"Allow","Principal":{"AWS":["111122223333"]},"Action":"a:*","Resource":["*"],"Condition":{"Null":{"k":true}}}]}`))
	f.Fuzz(func(t *testing.T, kind uint8, text []byte) {
		defer memtest.Bounded(t, len(text))()
		k := Kind(kind % 6)
		d, err := Parse(k, "p", text)
		if err != nil {
			at := err.(*SyntaxError)
			if lines := bytes.Count(text, []byte("\n")) + 1; at.Line < 1 || at.Line > lines || at.Column < 1 || at.Column > len(text)+1 || at.Msg == "" {
				t.Errorf("fault at %d:%d of %d bytes: %q", at.Line, at.Column, len(text), at.Msg)
			}
			return
		}
		if !json.Valid(text) {
			t.Errorf("took what is not JSON: %q", text)
		}
		for i := range d.Statements {
			if s := &d.Statements[i]; s.At.Index != i || s.At.Line < 1 {
				t.Errorf("statement %d stands at %+v", i, s.At)
			}
		}
		roundTrip(t, d)
	})
}

// FuzzDecide checks that no case panics and that every answer is one line of
// JSON with a known decision.
func FuzzDecide(f *testing.F) {
	for _, name := range []string{"basic", "conditions", "variables", "layers", "documented"} {
		lines, _ := oracleCases(f, "testdata/eval/"+name+".jsonl")
		for i := 0; i < len(lines); i += 50 {
			f.Add(lines[i])
			f.Add(strings.Replace(lines[i], `"resourceAccount"`, `"unknown": ["aws:*", "ssm:resourceTag/*"], "resourceAccount"`, 1))
		}
	}
	decisions := []string{"allowed", "explicitDeny", "implicitDeny", "unknown", "error"}
	f.Fuzz(func(t *testing.T, line string) {
		defer memtest.Bounded(t, len(line))()
		var d CaseEvaluator
		out := d.Decide(nil, line)
		var got caseDecision
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if !slices.Contains(decisions, got.Decision) || (got.Error != "") != (got.Decision == "error") {
			t.Errorf("%s", out)
		}
		if again := d.Decide(nil, line); !bytes.Equal(out, again) {
			t.Errorf("first %s, then %s", out, again)
		}
	})
}

// FuzzGlob compares the matcher with its definition.
func FuzzGlob(f *testing.F) {
	f.Add("arn:aws:ssm:*:document/*", "arn:aws:ssm:us-east-1::document/x", uint8(5))
	f.Add("a*?b*", "aéb", uint8(0))
	f.Add("*:a*b?:*", "x:aab:c:y", uint8(2))
	f.Fuzz(func(t *testing.T, pattern, s string, colons uint8) {
		defer memtest.Bounded(t, len(pattern)+len(s))()
		if len(pattern) > 12 || len(s) > 24 {
			return // the definition takes exponential time
		}
		ascii := func(r rune) bool { return r < 0x80 }
		if strings.ContainsFunc(pattern+s, func(r rune) bool { return !ascii(r) }) {
			return // and knows bytes only
		}
		g := glob{text: pattern, star: rawStar, quest: rawQuest, free: afterColons(pattern, int(colons%6)), crossing: colons%2 == 0}
		fold := min(afterColons(s, int(colons%6)), len(s))
		if got, want := g.match(s, fold), naiveMatch(&g, 0, 0, s, fold); got != want {
			t.Errorf("%+v against %q: got %v, want %v", g, s, got, want)
		}
	})
}

// FuzzLaws checks on the documents it is given what holds of all policies.
func FuzzLaws(f *testing.F) {
	seeds := []string{
		`{"Effect":"Allow","Action":"ssm:*","Resource":"arn:aws:ec2:*:*:instance/*","Condition":{"StringLike":{"ssm:resourceTag/Name":["web*","${aws:username}"]}}},{"Effect":"Deny","NotAction":"iam:*","NotResource":"arn:aws:s3:::x"}`,
		`{"Effect":"Allow","NotAction":"s3:*","Resource":"*","Condition":{"ForAnyValue:StringNotEquals":{"aws:TagKeys":"a"},"NumericLessThan":{"aws:MultiFactorAuthAge":"300"}}}`,
		`{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"Null":{"aws:MultiFactorAuthPresent":"true"}}},{"Effect":"Allow","Action":"*","Resource":"*"}`,
		`{"Effect":"Allow","Action":"*","Resource":"arn:aws:ec2:us-*:111122223333:instance/${aws:username, 'i'}-?"}`,
	}
	for _, s := range seeds {
		f.Add(s, "arn:aws:ec2:us-east-1:111122223333:instance/i-1", "web-1", uint8(3))
		f.Add(s, "*", "", uint8(0))
	}
	f.Fuzz(func(t *testing.T, list, arn, value string, state uint8) {
		defer memtest.Bounded(t, len(list)+len(arn)+len(value))()
		d, err := Parse(Identity, "p", []byte(`{"Version":"2012-10-17","Statement":[`+list+`]}`))
		if err != nil || len(d.Statements) > 8 {
			return
		}
		var c Context
		switch state % 4 {
		case 1:
			c.Set("aws:username", value)
			c.Set("ssm:resourceTag/Name", value)
		case 2:
			c.SetMulti("aws:TagKeys", value, "a")
			c.SetUnknown("ssm:resourceTag/*")
		case 3:
			c.SetUnknown("*")
		}
		checkLaws(t, d.Statements, arn, c)
	})
}
