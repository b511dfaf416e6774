package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"ssmguard/guard"
	"ssmguard/guard/policy"
	"ssmguard/guard/reach"
	"ssmguard/internal/safetext/safetexttest"
)

// reachAccount has a hostile text in each part: one who may, one of whom it is not known, one who
// is denied.
func reachAccount(t *testing.T) Reach {
	t.Helper()
	h := safetexttest.Hostile + "<script>alert(1)</script>"
	parse := func(statements string) *reach.Policy {
		d, err := policy.Parse(policy.Identity, "p", []byte(`{"Version":"2012-10-17","Statement":[`+statements+`]}`))
		if err != nil {
			t.Fatal(err)
		}
		return &reach.Policy{Statements: d.Statements}
	}
	person := func(name string, x *reach.Policy) reach.Principal {
		return reach.Principal{Caller: guard.Caller{SessionARN: "arn:aws:sts::111122223333:assumed-role/" + name + "/session", Principal: "arn:aws:iam::111122223333:role/" + name,
			Account: "111122223333", Partition: "aws"}, Identity: []reach.Attachment{{Policy: x, Name: "inline " + h}}}
	}
	all, mfa := parse(`{"Sid":"All","Effect":"Allow","Action":"*","Resource":"*"}`), parse(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}`)
	return Reach{
		Account: &reach.Account{
			Principals: []reach.Principal{person("may"+h, all), person("mfa", mfa), person("not", parse(`{"Effect":"Deny","Action":"*","Resource":"*"}`)), person("none", parse(`{"Effect":"Allow","Action":"s3:*","Resource":"*"}`))},
			Targets:    []reach.Target{{ID: "i-1" + h, Region: "eu-west-1", Tags: map[string]string{h: h}}, {ID: "mi-2", Region: "eu-west-1", Untold: true}},
			Documents:  []reach.Document{{}, {Name: "Corp-" + h}},
		},
		People: []ReachPerson{{Trusts: []string{"=" + h}}, {Unread: []string{h}}, {}, {}}, Names: []string{"=1+1" + h, ""}, Notes: []string{"note " + h}, Missing: []string{"missing " + h},
	}
}

// TestReach: every format tells of everything, and text of others stays text.
func TestReach(t *testing.T) {
	for _, denied := range []bool{false, true} {
		for format, want := range map[string][]string{
			"text": {"4 users and roles of 111122223333, 2 targets, 2 documents: 4 allowed, 4 undecided, 8 denied\n", "\n✓ role/may", "\n? role/mfa", "turns on aws:MultiFactorAuthPresent", "trusted by the role: ", "every document", "could not be read: ", "note: "},
			"json": {`"verdict":"allowed"`, `"verdict":"undecided"`, `"sid":"All"`, `"whole":false`, `"tags":null`},
			"html": {"4 users and roles of 111122223333", "&lt;script&gt;", "✓ all", "? all", "✗", "<details data-item", "turns on aws:MultiFactorAuthPresent", "not read: ", "could not be read", "trusts "},
			"csv":  {"principal,target,", ",allowed,", ",undecided,", "aws:MultiFactorAuthPresent"},
		} {
			r := reachAccount(t)
			r.Denied = denied
			var out bytes.Buffer
			whole, err := WriteReach(&out, format, r)
			if err != nil || whole {
				t.Fatalf("%s: whole %t, %v", format, whole, err)
			}
			fault := safetexttest.Fault
			if format == "json" {
				fault = func(output string, _ ...string) string { return safetexttest.FaultJSON(output) }
			}
			if what := fault(out.String()); what != "" {
				t.Errorf("%s: %s", format, what)
			}
			for _, w := range want {
				if !strings.Contains(out.String(), w) {
					t.Errorf("%s lacks %q:\n%s", format, w, out.String())
				}
			}
			tells := map[string]string{"text": "✗ role/not", "json": `"verdict":"denied"`, "csv": ",denied,", "html": "✗ denied</td>"}[format]
			if strings.Contains(out.String(), tells) != denied {
				t.Errorf("%s tells of denials: %t", format, !denied)
			}
			switch format {
			case "json":
				conforms(t, schema(t, "reach.schema.json"), format, out.Bytes())
			case "html":
				_, rest, _ := strings.Cut(out.String(), "script-src &#39;sha256-")
				hash, _, _ := strings.Cut(rest, "&#39;")
				_, script, _ := strings.Cut(out.String(), "<script>")
				script, _, _ = strings.Cut(script, "</script>")
				if sum := sha256.Sum256([]byte(script)); hash != base64.StdEncoding.EncodeToString(sum[:]) || strings.Count(out.String(), "<script") != 1 {
					t.Errorf("the page's policy names %s, and its script is another", hash)
				}
			case "csv":
				rows, err := csv.NewReader(&out).ReadAll()
				if err != nil || len(rows) != 1+map[bool]int{false: 8, true: 16}[denied] {
					t.Errorf("%d rows, %v", len(rows), err)
				}
				for _, row := range rows {
					for _, field := range row {
						if strings.HasPrefix(field, "=") {
							t.Errorf("a formula: %q", field)
						}
					}
				}
			}
		}
	}
}

// TestReachCounts: what is counted, listed as rectangles and listed as rows is the same.
func TestReachCounts(t *testing.T) {
	r := reachAccount(t)
	r.Denied = true
	var out bytes.Buffer
	if _, err := WriteReach(&out, "json", r); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Answers []struct {
			Verdict                        string
			Principals, Targets, Documents []string
		}
		Counts map[string]int
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	seen, counts := make(map[string]bool), make(map[string]int)
	for _, a := range got.Answers {
		for _, p := range a.Principals {
			for _, target := range a.Targets {
				for _, d := range a.Documents {
					at := fmt.Sprint(p, target, d)
					if seen[at] {
						t.Errorf("%s is answered twice", at)
					}
					seen[at] = true
					counts[a.Verdict]++
				}
			}
		}
	}
	if len(seen) != got.Counts["requests"] || counts["allowed"] != got.Counts["allowed"] || counts["undecided"] != got.Counts["undecided"] || counts["denied"] != got.Counts["denied"] {
		t.Errorf("%v, counted %v", counts, got.Counts)
	}
}

// TestReachOfOne: what one principal may open is told by targets.
func TestReachOfOne(t *testing.T) {
	r := reachAccount(t)
	r.OfPrincipals, r.Missing = true, nil
	r.Account.Principals, r.People = r.Account.Principals[:1], r.People[:1]
	r.Account.Targets[0].ID, r.Names[0] = "i-1", "bastion"
	var out bytes.Buffer
	whole, err := WriteReach(&out, "text", r)
	if err != nil || !whole || !strings.Contains(out.String(), "\n✓ i-1 (bastion), mi-2\n    every document\n        by inline ") {
		t.Errorf("whole %t, %v\n%s", whole, err, out.String())
	}
}
