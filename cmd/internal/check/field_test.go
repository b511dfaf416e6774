package check

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"testing"

	"ssmguard/cmd/internal/policyfile"
	"ssmguard/guard"
	"ssmguard/guard/policy"
)

// fieldCase is one line of testdata/field-policies.jsonl, which testdata/README.md describes.
type fieldCase struct {
	ID, Reported string
	Request      struct {
		Principal, Region, Target, Document string
		TargetTags, Context                 map[string]string
	}
	Policy json.RawMessage
	Expect struct{ Denied []string }
}

// TestFieldPolicies: what happened to people is what check says of their policies.
func TestFieldPolicies(t *testing.T) {
	text, err := os.ReadFile("testdata/field-policies.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for dec := json.NewDecoder(bytes.NewReader(text)); dec.More(); count++ {
		var c fieldCase
		if err := dec.Decode(&c); err != nil {
			t.Fatal(err)
		}
		doc, err := policy.Parse(policy.Identity, c.ID, c.Policy)
		if err != nil {
			t.Fatalf("%s: %v", c.ID, err)
		}
		var reading policyfile.Reading
		reading.Add(policy.Identity, doc.Statements)
		o := fileOptions{Principal: c.Request.Principal, TargetTags: c.Request.TargetTags, Context: make(map[string][]string)}
		o.Untagged.Target, o.Untagged.Document = len(o.TargetTags) == 0, true
		for key, value := range c.Request.Context {
			o.Context[key] = []string{value}
		}
		d, err := o.decide(t.Context(), reading, guard.Request{Region: c.Request.Region, Target: c.Request.Target, Document: c.Request.Document})
		if err != nil {
			t.Fatalf("%s: %v", c.ID, err)
		}
		for _, grant := range []string{guard.GrantTarget, guard.GrantDocument} {
			got, denied := d.Of(grant).Verdict, slices.Contains(c.Expect.Denied, grant)
			if got == policy.Unknown || got.Denies() != denied {
				t.Errorf("%s: %s is %v, denied %v is wanted: %s", c.ID, grant, got, denied, c.Reported)
			}
		}
		repairedField(t, c.ID, d)
		if wanted := len(c.Expect.Denied) == 0; wanted != (d.Verdict() == policy.Allow) {
			t.Errorf("%s: %v, allowed %v is wanted: %s", c.ID, d.Verdict(), wanted, c.Reported)
		}
	}
	if count < 20 {
		t.Errorf("only %d cases were read", count)
	}
}

// repairedField holds that the repair of a denied policy, applied, lets the request through,
// and so does each other way of it.
func repairedField(t *testing.T, id string, d guard.Decision) {
	t.Helper()
	if !d.Verdict().Denies() {
		return
	}
	for _, f := range d.Findings {
		if f.Level < guard.Error {
			continue
		}
		if f.Fix == nil {
			t.Errorf("%s: %s has no repair", id, f.Code)
			continue
		}
		for fix := f.Fix; fix != nil; fix = fix.Or {
			set := *d.Policies
			for _, change := range fix.Changes {
				var err error
				if set, err = guard.Apply(set, change); err != nil {
					t.Fatalf("%s: %s: %v", id, change.Describe(), err)
				}
			}
			for _, g := range d.Grants {
				if v := guard.Evaluate(set, g).Verdict; !g.Advisory && v != policy.Allow {
					t.Errorf("%s: with %q %s is %v", id, fix.Text, g.ID, v)
				}
			}
			if !fix.Checked {
				t.Errorf("%s: the repair is not checked: %+v", id, fix)
			}
		}
	}
}
