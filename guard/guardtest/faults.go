package guardtest

import (
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"ssmguard/guard"
	"ssmguard/guard/policy"
)

//go:embed faults.json
var faultsFile []byte

// Fault is one line of faults.json: a situation and the rule that speaks of it.
// Every rule has one. A line has few of the fields; together they are all that rules look at.
type Fault struct {
	Code                                  guard.Code
	Source                                string // of the identity policies, when they are not role/dev's
	Grant, Why                            string // of the finding; Why is part of what is said of its first statement
	Identity, Boundary, Session, Endpoint json.RawMessage
	SCP, RCP                              []json.RawMessage
	Version                               string // of the documents; 2012-10-17 when not given
	Target, Document, Container, Caller   string
	Context                               map[string][]string
	Facts                                 guard.Facts
	Open                                  bool // what is not given is unknown, not absent
	Partial                               []policy.Kind
	IAM                                   string // verdict of IAM's simulation on everything
	Message                               string // AWS's refusal
	NotVisible, Error, Judge              string // what went wrong for whom
}

// Faults returns every situation.
func Faults(t testing.TB) []Fault {
	t.Helper()
	var fs []Fault
	if err := json.Unmarshal(faultsFile, &fs); err != nil {
		t.Fatal(err)
	}
	if len(fs) == 0 {
		t.Fatal("faults.json is empty")
	}
	return fs
}

// DevRequest is the request of a role that asks for an instance.
var DevRequest = guard.Request{
	Caller: guard.Caller{SessionARN: "arn:aws:sts::111122223333:assumed-role/dev/alice", Principal: "arn:aws:iam::111122223333:role/dev",
		Account: "111122223333", UserID: "AROAEXAMPLEROLE000001:alice", Partition: "aws"},
	Region: "us-east-1", Target: "i-0123456789abcdef0",
}

// Check asks the guard in the situation. The findings are left to guard/finding,
// AWS's refusal too.
func (f Fault) Check(t testing.TB) guard.Decision {
	t.Helper()
	r := DevRequest
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
		o := Opinion{Judge: "iam", Err: f.failure("iam")}
		for v := policy.Unknown; v <= policy.ExplicitDeny; v++ {
			if v.String() == f.IAM {
				o.Answer.Verdict = v
			}
		}
		g.Simulators = append([]guard.Simulator{o}, g.Simulators...)
	}
	d, err := g.Check(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (f Fault) set(t testing.TB) policy.Set {
	t.Helper()
	set := policy.Set{
		Identity: f.statements(t, policy.Identity, cmp.Or(f.Source, `role/dev, inline "ssm"`), f.Identity),
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

func (f Fault) statements(t testing.TB, kind policy.Kind, source string, text json.RawMessage) []policy.Statement {
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

// failure is an error for one of those who are asked.
func (f Fault) failure(judge string) error {
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
	fault    Fault
	policies policy.Set
}

func (s staged) Facts(context.Context, guard.Request) (guard.Facts, error) {
	return s.fault.Facts, s.fault.failure("inventory")
}

func (s staged) Policies(context.Context, guard.Caller) (policy.Set, error) {
	return s.policies, s.fault.failure("local")
}

// Opinion is a judge with one answer to everything.
type Opinion struct {
	Judge  string
	Answer policy.Answer
	Err    error
}

// Name implements guard.Simulator.
func (o Opinion) Name() string { return o.Judge }

// Simulate implements guard.Simulator.
func (o Opinion) Simulate(_ context.Context, _ guard.Caller, gs []guard.Grant) ([]guard.Ruling, error) {
	var rs []guard.Ruling
	for _, g := range gs {
		rs = append(rs, guard.Ruling{Grant: g, Answer: o.Answer})
	}
	return rs, o.Err
}
