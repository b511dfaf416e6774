package policy

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// sameStatements compares what two documents say, not where they say it.
func sameStatements(a, b *Document) string {
	type content struct {
		Sid, Effect, Version string
		Lists                [][]string
		Conditions           []Condition
		Principal            *principal
		Kinds                []byte
	}
	read := func(d *Document) []content {
		var out []content
		for i := range d.Statements {
			s := &d.Statements[i]
			c := content{s.At.Sid, s.Effect(), s.Version(), [][]string{texts(s.actions, actionText), s.Actions(), s.Resources(), s.NotResources()}, s.Conditions(), s.principal, nil}
			for j := range s.conditions {
				for _, v := range s.conditions[j].values {
					c.Kinds = append(c.Kinds, v.json)
				}
			}
			out = append(out, c)
		}
		return out
	}
	return cmp.Diff(read(a), read(b), cmp.AllowUnexported(principal{}), cmpopts.IgnoreFields(principal{}, "text")) + cmp.Diff(a.ID+a.Version, b.ID+b.Version)
}

// roundTrip checks that a document printed and parsed again is the same.
func roundTrip(t *testing.T, d *Document) {
	t.Helper()
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Parse(d.Kind, d.Source, text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if diff := sameStatements(d, again); diff != "" {
		t.Errorf("%s\n%s", diff, text)
	}
}

func TestPrint(t *testing.T) {
	text := `{ "Statement": [ {"Sid":"A", "Effect":"Deny", "Principal": { "AWS" : "*" }, "NotAction":["a:b","c:d"], "NotResource":"arn:aws:s3:::\"x\\\u0001"},
	 {"Effect":"Allow","Action":"*","Resource":["*"],"Condition":{"Bool":{"k:a":true,"k:b":["x","y"]},"Null":{"k:c":"true"},"NumericEquals":{"k:d":[]}}} ] , "Id" : "i" }`
	d, err := Parse(Endpoint, "p", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	got, err := d.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	want := `{"Id":"i","Statement":[{"Sid":"A","Effect":"Deny","Principal":{"AWS":"*"},"NotAction":["a:b","c:d"],"NotResource":"arn:aws:s3:::\"x\\\u0001"},` +
		`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"k:a":true,"k:b":["x","y"]},"Null":{"k:c":"true"},"NumericEquals":{"k:d":[]}}}]}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
	roundTrip(t, d)
}

// TestStatementAlone: one statement is read and printed as it stands in a document.
func TestStatementAlone(t *testing.T) {
	const text = `{"Sid":"Start","Effect":"Allow","Action":"ssm:StartSession","Resource":["arn:aws:ssm:*::document/x","*"],` +
		`"Condition":{"StringEquals":{"ssm:resourceTag/Name":"a","aws:userid":["b","c"]},"Null":{"k":"true"}}}`
	s, err := ParseStatement(Identity, "proposal", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	got, _ := json.Marshal(s)
	if diff := cmp.Diff(text, string(got)); diff != "" {
		t.Error(diff)
	}
	if _, err := ParseStatement(Identity, "p", []byte(`{"Effect":"Allow","Action":"x","Resource":"*"}`)); err == nil {
		t.Error("took an action without a service")
	}
}
