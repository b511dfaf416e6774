package report

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"ssmguard/guard"
	"ssmguard/guard/finding"
	"ssmguard/internal/safetext/safetexttest"
)

// matrixRows are a request that is denied as expected, one that is denied against the
// expectation, and one that is allowed against it, with hostile text in each part.
func matrixRows(t *testing.T) []MatrixRow {
	t.Helper()
	d := everyRule(t)[0].decision
	allowed := d
	allowed.Findings, allowed.Rulings = nil, nil
	for _, r := range d.Rulings {
		r.Answer.Verdict = 1
		allowed.Rulings = append(allowed.Rulings, r)
	}
	h := safetexttest.Hostile + "<script>alert(1)</script>"
	return []MatrixRow{
		{Name: "as expected", Principal: "arn:aws:iam::111122223333:role/dev", Target: "i-0123456789abcdef0", Expected: "deny", Command: "ssmguard check", Decision: d},
		{Name: "denied " + h, Principal: "arn:aws:iam::111122223333:role/" + h, Target: "i-1" + h, Document: h, Expected: "allow", Command: "ssmguard check " + h, Decision: d},
		{Name: "allowed", Target: "i-0123456789abcdef0", Expected: "deny", Command: "ssmguard check", Decision: allowed},
	}
}

// TestRows: every format tells of every row, SARIF of those that came out otherwise; text of
// others stays text.
func TestRows(t *testing.T) {
	for format, want := range map[string][]string{
		"text":  {"REQUEST", "as expected", "expected allow", "expected deny"},
		"json":  {`"expected": "allow"`, `"got": "deny"`, `"met": false`, `"met": true`},
		"sarif": {string(finding.Unexpected), "allowed: allowed, and a denial was expected"},
		"html":  {"2 of 3 requests", "&lt;script&gt;", "✗ denied", "✓ allowed", "prefers-color-scheme: dark", "expected allow"},
	} {
		var out bytes.Buffer
		rows := NewMatrixRows(&out, format, []string{"policy.json"})
		for _, r := range matrixRows(t) {
			if err := rows.Row(r); err != nil {
				t.Fatal(err)
			}
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
		for _, w := range want {
			if !strings.Contains(out.String(), w) {
				t.Errorf("%s lacks %q:\n%s", format, w, out.String())
			}
		}
		switch format {
		case "sarif":
			if strings.Contains(out.String(), "as expected:") {
				t.Error("SARIF tells of what came out as expected")
			}
		case "json":
			dec := json.NewDecoder(&out)
			s := schema(t, "decision.schema.json")
			for dec.More() {
				var raw json.RawMessage
				if err := dec.Decode(&raw); err != nil {
					t.Fatal(err)
				}
				conforms(t, s, "a row", raw)
			}
		case "html":
			if strings.Contains(out.String(), "<script>") || strings.Contains(out.String(), "http") && strings.Contains(strings.ReplaceAll(out.String(), "http-equiv", ""), "http") {
				t.Error("the page has a script, or something that is fetched")
			}
			fallthrough
		default:
			if fault := safetexttest.Fault(out.String()); fault != "" {
				t.Errorf("%s: %s", format, fault)
			}
		}
	}
}

// TestRowOutcome: what meets an expectation.
func TestRowOutcome(t *testing.T) {
	rows := matrixRows(t)
	undecided := MatrixRow{Expected: "deny", Decision: guard.Decision{}}
	for i, want := range []bool{true, false, false} {
		if rows[i].Met() != want {
			t.Errorf("%s: %v", rows[i].Name, rows[i].Met())
		}
	}
	if undecided.Met() || undecided.Got() != "undecided" {
		t.Errorf("%q", undecided.Got())
	}
}
