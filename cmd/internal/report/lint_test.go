package report

import (
	"bytes"
	"testing"

	"ssmguard/guard"
	"ssmguard/guard/policy"
	"ssmguard/guard/policy/source"
)

// TestLint: a finding is told with its place, for people and for programs.
func TestLint(t *testing.T) {
	found := []guard.Finding{}
	for _, at := range []policy.Pos{{Source: "p.json", Line: 7}, {Source: "p.json", Line: 7, Index: 1, Sid: "Start"}, {Source: "plan.json: aws_iam_policy.dev", Index: 1, Line: 3},
		{Source: "p.json", Index: -1}} {
		found = append(found, guard.Finding{Code: "SG001", Level: guard.Error, Summary: "x is no action", Nearest: []guard.Near{{At: at, Why: "x is no action"}}})
	}
	found = append(found, guard.Finding{Code: "SG001", Level: guard.Error, Summary: "x is no action", Nearest: []guard.Near{{
		At: policy.Pos{Source: "q.json", Line: 2}, Why: "x is no action", Part: source.Part{Element: "Action", Value: "ssm:x"}}}})
	d := guard.Decision{Findings: found, Texts: map[string]guard.PolicyText{"q.json": {File: "q.json", Lined: true,
		Text: `{"Statement":[
  {"Effect":"Allow","Action":["ssm:y","ssm:x"],"Resource":"*"}]}`}}}
	var text, data bytes.Buffer
	if err := Lint(&text, d); err != nil {
		t.Fatal(err)
	}
	const want = "p.json:7: error: x is no action [SG001]\n" +
		"p.json:7: error: x is no action [SG001]\n" +
		"plan.json: aws_iam_policy.dev, statement 2: error: x is no action [SG001]\n" +
		"p.json: error: x is no action [SG001]\n" +
		"q.json:2:39: error: x is no action [SG001]\n"
	if text.String() != want {
		t.Errorf("%s", text.String())
	}
	if err := LintJSON(&data, 2, d); err != nil {
		t.Fatal(err)
	}
	conforms(t, schema(t, "lint.schema.json"), "lint", data.Bytes())
}
