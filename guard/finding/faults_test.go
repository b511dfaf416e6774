package finding

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ssmguard/guard"
	"ssmguard/guard/policy"
)

var update = flag.Bool("update", false, "write the golden files")

// fault is one line of testdata/faults.json: a situation and the rule that
// speaks of it. Every rule has one.
type fault struct {
	Code                                  guard.Code
	Grant, Why                            string // of the finding; Why is part of what is said of its first statement
	Identity, Boundary, Session, Endpoint json.RawMessage
	SCP, RCP                              []json.RawMessage
	Version                               string // of the documents; 2012-10-17 when not given
	Target, Document, Container, Caller   string
	Context                               map[string][]string
	Facts                                 guard.Facts
	Open                                  bool // what is not given is unknown, not absent
	Partial                               []string
	IAM                                   string // verdict of IAM's simulation on everything
	Message                               string // AWS's refusal
	NotVisible, Error, Judge              string // what went wrong for whom
}

func faults(t *testing.T) []fault {
	t.Helper()
	data, err := os.ReadFile("testdata/faults.json")
	if err != nil {
		t.Fatal(err)
	}
	var fs []fault
	if err := json.Unmarshal(data, &fs); err != nil {
		t.Fatal(err)
	}
	return fs
}

func (f fault) statements(t *testing.T, kind policy.Kind, source string, text json.RawMessage) []policy.Statement {
	t.Helper()
	if text == nil {
		return nil
	}
	version := f.Version
	if version == "" {
		version = "2012-10-17"
	}
	doc, err := policy.Parse(kind, source, fmt.Appendf(nil, `{"Version":%q,"Statement":%s}`, version, text))
	if err != nil {
		t.Fatal(err)
	}
	return doc.Statements
}

func (f fault) set(t *testing.T) policy.Set {
	t.Helper()
	set := policy.Set{
		Identity: f.statements(t, policy.Identity, `role/dev, inline "ssm"`, f.Identity),
		Boundary: f.statements(t, policy.Boundary, `boundary "dev-boundary"`, f.Boundary),
		Session:  f.statements(t, policy.Session, "session policy", f.Session),
		Endpoint: f.statements(t, policy.Endpoint, "endpoint vpce-0123456789abcdef0", f.Endpoint),
		Partial:  f.Partial,
	}
	for _, level := range f.SCP {
		set.SCP = append(set.SCP, f.statements(t, policy.SCP, `SCP "guardrail"`, level))
	}
	for _, level := range f.RCP {
		set.RCP = append(set.RCP, f.statements(t, policy.RCP, `RCP "guardrail"`, level))
	}
	return set
}

// failure is an error for one of those who are asked.
func (f fault) failure(judge string) error {
	switch {
	case f.Judge != judge:
		return nil
	case f.NotVisible != "":
		return &guard.NotVisible{Permission: f.NotVisible, Cause: "not authorized"}
	}
	return errors.New(f.Error)
}

// staged answers as the fault says.
type staged struct {
	fault
	policies policy.Set
}

func (s staged) Facts(context.Context, guard.Request) (guard.Facts, error) {
	return s.fault.Facts, s.failure("inventory")
}

func (s staged) Policies(context.Context, guard.Caller) (policy.Set, error) {
	return s.policies, s.failure("local")
}

func (f fault) decide(t *testing.T) guard.Decision {
	t.Helper()
	r := devRequest
	if f.Caller == "user" {
		r.Caller = guard.Caller{SessionARN: "arn:aws:iam::111122223333:user/alice", Principal: "arn:aws:iam::111122223333:user/alice", Account: "111122223333", UserID: "AIDAEXAMPLEALICE00001", Partition: "aws"}
	}
	if f.Target != "" {
		r.Target = f.Target
	}
	r.Document, r.Container, r.Context, r.Closed = f.Document, f.Container, f.Context, !f.Open
	s := staged{f, f.set(t)}
	g := guard.Guard{Inventory: s, Simulators: []guard.Simulator{guard.Local{Source: s}}}
	if f.IAM != "" || f.Judge == "iam" {
		o := opinion{name: "iam", err: f.failure("iam")}
		for v := policy.Unknown; v <= policy.ExplicitDeny; v++ {
			if v.String() == f.IAM {
				o.answer.Verdict = v
			}
		}
		g.Simulators = append([]guard.Simulator{o}, g.Simulators...)
	}
	d, err := checked(t.Context(), &g, r)
	if err != nil {
		t.Fatal(err)
	}
	if f.Message != "" {
		refusal, ok := ParseRefusal(f.Message)
		if !ok {
			t.Fatalf("not read: %s", f.Message)
		}
		d = Refused(d, refusal)
	}
	return d
}

// TestEveryRule: each rule is found in its case, about the right grant, with the
// right statement, and said as in testdata/findings.golden.
func TestEveryRule(t *testing.T) {
	missing := make(map[guard.Code]bool)
	for _, rule := range Pages() {
		missing[rule.Code] = true
	}
	var golden strings.Builder
	var decisions []guard.Decision
	for _, f := range faults(t) {
		d := f.decide(t)
		delete(missing, f.Code)
		decisions = append(decisions, forRenderers(d))
		fmt.Fprintf(&golden, "=== %s\nverdict %s\n", f.Code, d.Verdict())
		found := false
		for _, got := range d.Findings {
			golden.WriteString(text(got))
			if got.Code != f.Code || got.Grant != f.Grant {
				continue
			}
			found = true
			if f.Why != "" && (len(got.Nearest) == 0 || !strings.Contains(got.Nearest[0].Why, f.Why)) {
				t.Errorf("%s: nearest %v, want %q", f.Code, got.Nearest, f.Why)
			}
		}
		if !found {
			t.Errorf("%s: not found on %q; found\n%s", f.Code, f.Grant, listing(d.Findings))
		}
	}
	for code := range missing {
		t.Errorf("%s has no case", code)
	}
	compareGolden(t, "testdata/findings.golden", golden.String())
	plain, err := json.MarshalIndent(decisions, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	compareGolden(t, "testdata/decisions.json", string(plain)+"\n")
}

// forRenderers is a decision without the evidence that no renderer reads.
// cmd/internal/report renders testdata/decisions.json into goldens of its own.
func forRenderers(d guard.Decision) guard.Decision {
	d.Policies, d.Facts = nil, guard.Facts{}
	for i := range d.Rulings {
		a := &d.Rulings[i].Answer
		*a = policy.Answer{Verdict: a.Verdict, DependsOn: a.DependsOn}
	}
	return d
}

func listing(fs []guard.Finding) string {
	var b strings.Builder
	for _, f := range fs {
		b.WriteString(text(f))
	}
	return b.String()
}

// text writes a finding with all its fields.
func text(f guard.Finding) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s: %s\n", f.Code, f.Level, f.Grant, f.Summary)
	if f.Action != "" {
		fmt.Fprintf(&b, "  needs %s on %s\n", f.Action, f.Resource)
	}
	for _, n := range f.Nearest {
		fmt.Fprintf(&b, "  near  %s: %s\n", n.At, n.Why)
	}
	if f.Detail != "" {
		fmt.Fprintf(&b, "  why   %s\n", f.Detail)
	}
	if f.Fix == nil {
		return b.String()
	}
	fmt.Fprintf(&b, "  fix   %s (for %s)\n", f.Fix.Text, strings.Join(f.Fix.Grants, ", "))
	for _, c := range f.Fix.Changes {
		fmt.Fprintf(&b, "        %s, %s layer\n", c.Describe(), c.Layer)
	}
	if f.Fix.Checked {
		fmt.Fprintf(&b, "        checked: %s\n", f.Fix.Check)
	}
	if f.Fix.Ask != "" {
		fmt.Fprintf(&b, "  ask   %s:\n        %s\n", f.Fix.Ask, strings.ReplaceAll(strings.TrimSpace(f.Fix.Message), "\n", "\n        "))
	}
	return b.String()
}

func compareGolden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s (run with -update after a wanted change):\n%s", path, diff)
	}
}
