package report

import (
	"bytes"
	"testing"

	"ssmguard/guard"
	"ssmguard/guard/policy"
)

func TestSARIF(t *testing.T) {
	finding := func(code guard.Code, level guard.Level, source string, line int) guard.Finding {
		f := guard.Finding{Code: code, Level: level, Summary: "role/dev may not use this document"}
		if source != "" {
			f.Nearest = []guard.Near{{At: policy.Pos{Source: source, Line: line}, Why: "denies it"}}
			f.Detail = "it was meant so"
			f.Fix = &guard.Fix{Text: "add to role/dev", Changes: []guard.Change{{Statement: `{"Effect":"Allow"}`}}}
		}
		return f
	}
	var out bytes.Buffer
	s := NewSARIF(&out, []string{"iam/dev.json", "plan.json"})
	for _, d := range []guard.Decision{
		{Findings: []guard.Finding{finding("SG101", guard.Error, "iam/dev.json", 7), finding("SG300", guard.Warning, "", 0)}},
		{Findings: []guard.Finding{finding("SG101", guard.Error, "plan.json: data.aws_iam_policy_document.dev", 3)}},
	} {
		if err := s.Decision(d); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	golden(t, "findings.sarif", out.Bytes())
}

// A finding about an account is in no file; the schema of SARIF lets a result do without locations, and has no null there.
func TestSARIFWithoutFiles(t *testing.T) {
	var out bytes.Buffer
	s := NewSARIF(&out, nil)
	f := guard.Finding{Code: "SG101", Level: guard.Error, Summary: "role/dev may not use this document"}
	if err := s.Decision(guard.Decision{Findings: []guard.Finding{f}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(out.Bytes(), []byte("null")) || !bytes.Contains(out.Bytes(), []byte(`"ruleId": "SG101"`)) {
		t.Errorf("want a result without null in:\n%s", out.Bytes())
	}
}
