package report

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ssmguard/guard"
	"ssmguard/guard/finding"
	"ssmguard/guard/guardtest"
)

// pastes are messages of every shape of an explanation.
func pastes(t *testing.T) []string {
	t.Helper()
	all := []string{"", "User is not authorized to perform: ssm:StartSession", "An error occurred (AccessDenied) when calling the X operation: no"}
	paste := ""
	for _, f := range guardtest.Faults(t) {
		if f.Message != "" {
			all = append(all, f.Message)
			paste += f.Message + "\n"
		}
	}
	return append(all, paste)
}

// TestExplanationConforms: what a message says in JSON conforms to the schema, and says
// each refusal and each finding.
func TestExplanationConforms(t *testing.T) {
	s := schema(t, "explanation.schema.json")
	for _, text := range pastes(t) {
		refusals := finding.ParseRefusals(text)
		findings := finding.Pasted(refusals).Findings
		var out bytes.Buffer
		if err := Explanation(&out, refusals, findings); err != nil {
			t.Fatal(err)
		}
		conforms(t, s, text, out.Bytes())
		var got explanationJSON
		if err := json.Unmarshal(out.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		var want []refusalJSON
		for _, r := range refusals {
			if r.Denied() {
				want = append(want, refusalJSON{r.Action, r.Resource, r.Reason(), r.Owner(), r.PolicyARN})
			}
		}
		if diff := cmp.Diff(want, append([]refusalJSON(nil), got.Refusals...)); diff != "" || got.Protocol != Protocol || len(got.Findings) != len(findings) {
			t.Errorf("%q: %s, %d findings", text, diff, len(got.Findings))
		}
	}
}

// TestExplanationSchemaEnumerates: every reason and owner that can be is in the schema,
// and no other passes.
func TestExplanationSchemaEnumerates(t *testing.T) {
	s := schema(t, "explanation.schema.json")
	sentence := "User: arn:aws:sts::111122223333:assumed-role/dev/alice is not authorized to perform: kms:GenerateDataKey on resource: arn:aws:kms:us-east-1:111122223333:key/k "
	for _, kind := range []string{"service control policy", "resource control policy", "VPC endpoint policy", "permissions boundary", "session policy",
		"resource-based policy", "role trust policy", "identity-based policy", "policy of next year"} {
		for _, reason := range []string{"with an explicit deny in a " + kind, "because no " + kind + " allows the kms:GenerateDataKey action", "with an explicit deny", ""} {
			var out bytes.Buffer
			if err := Explanation(&out, finding.ParseRefusals(sentence+reason), nil); err != nil {
				t.Fatal(err)
			}
			conforms(t, s, reason, out.Bytes())
		}
	}
	for _, wrong := range []string{`{"action":"","resource":"","reason":"identity","owner":"caller","policy":""}`, `{"action":"","resource":"","reason":"","owner":"me","policy":""}`} {
		value := map[string]any{"protocol": json.Number("1"), "refusals": []any{}, "findings": []any{}}
		var refusal map[string]any
		if err := json.Unmarshal([]byte(wrong), &refusal); err != nil {
			t.Fatal(err)
		}
		value["refusals"] = []any{refusal}
		if s.Validate(value) == nil {
			t.Errorf("%s passes", wrong)
		}
	}
}

// TestSchemasAgree: a finding is the same in both schemas; -update copies it.
func TestSchemasAgree(t *testing.T) {
	const finding = "    \"finding\": {\n"
	parts := func(name string) (before, from string) {
		text, err := os.ReadFile("schema/" + name)
		if err != nil {
			t.Fatal(err)
		}
		before, after, found := strings.Cut(string(text), finding)
		if !found {
			t.Fatalf("%s describes no finding", name)
		}
		return before, finding + after
	}
	_, want := parts("decision.schema.json")
	own, got := parts("explanation.schema.json")
	if *update {
		if err := os.WriteFile("schema/explanation.schema.json", []byte(own+want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what a finding is differs from the decision's (-update copies it): %s", diff)
	}
}

// TestTextOfOthers: nothing of a message moves a cursor or turns the direction of text.
func TestTextOfOthers(t *testing.T) {
	text := "An error occurred (AccessDenied\x1b[2J) when\u202e User: arn:aws:iam::111122223333:user/a\x1b]0;x\x07nn is not authorized to perform: ssm:StartSession on resource: arn:aws:ssm:us-east-1::document/A\u202eB\x00\u2066C"
	d := finding.Pasted(finding.ParseRefusals(text))
	if len(d.Findings) != 1 {
		t.Fatalf("%+v", d.Findings)
	}
	var out bytes.Buffer
	render(t, NewText(&out, Style{ASCII: true}), guard.Decision{Findings: d.Findings}, false)
	if err := Explanation(&out, finding.ParseRefusals(text), d.Findings); err != nil {
		t.Fatal(err)
	}
	if bytes.ContainsAny(out.Bytes(), "\x1b\x07\x00\u202e\u2066") {
		t.Errorf("%q", out.String())
	}
}
