package guard

import (
	"context"
	_ "embed"
	"encoding/json"
	"testing"

	"ssmguard/guard/policy"
)

// checked asks a guard, and explains and repairs what it found.
func checked(ctx context.Context, g *Guard, r Request) (Decision, error) {
	d, err := g.Check(ctx, r)
	return Propose(Explain(d)), err
}

// publicCase is one situation of testdata/start-session.json: decisions that come
// from outside this repository (the sources are in the file).
type publicCase struct {
	Name     string
	Policies []struct {
		Kind, Name string
		Document   json.RawMessage
	}
	Request struct {
		Target, Document, Partition, Region, Account, SessionID string
		KMSKeyID                                                string `json:"kmsKeyId"`
		TargetTags, DocumentTags                                map[string]string
		Principal                                               struct {
			Type, ARN, RoleARN, UserID, Username string
			Tags                                 map[string]string
		}
		Context map[string]any
	}
	Expect []struct {
		Grant, Action, Resource, Decision, Confidence string
		DecisionIf                                    map[string]map[string]string
	}
}

//go:embed testdata/start-session.json
var startSession []byte

// publicCases returns every situation.
func publicCases(t testing.TB) []publicCase {
	t.Helper()
	var cases []publicCase
	if err := json.Unmarshal(startSession, &cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

// request is a case as the guard sees it, in a closed world.
func (c publicCase) request() (Request, Facts) {
	p := c.Request.Principal
	caller := Caller{SessionARN: p.ARN, Principal: p.ARN, Account: c.Request.Account, UserID: p.UserID, Partition: c.Request.Partition, Tags: p.Tags}
	if p.RoleARN != "" {
		caller.Principal = p.RoleARN
	}
	r := Request{Caller: caller, Region: c.Request.Region, Target: c.Request.Target, Document: c.Request.Document,
		SessionID: c.Request.SessionID, Closed: true, Context: map[string][]string{}}
	for key, value := range c.Request.Context {
		switch v := value.(type) {
		case string:
			r.Context[key] = []string{v}
		case []any:
			for _, one := range v {
				r.Context[key] = append(r.Context[key], one.(string))
			}
		}
	}
	return r, Facts{TargetTags: c.Request.TargetTags, DocumentTags: c.Request.DocumentTags, KMSKey: c.Request.KMSKeyID}
}

// set reads a case's policies; each SCP is a level of its own only when the file
// gives several levels, which it does not.
func (c publicCase) set(t testing.TB) policy.Set {
	t.Helper()
	var set policy.Set
	kinds := map[string]policy.Kind{"identity": policy.Identity, "boundary": policy.Boundary, "session": policy.Session, "scp": policy.SCP, "vpce": policy.Endpoint}
	for _, p := range c.Policies {
		kind, ok := kinds[p.Kind]
		if !ok {
			t.Fatalf("kind %q", p.Kind)
		}
		doc, err := policy.Parse(kind, p.Name, p.Document)
		if err != nil {
			t.Fatal(err)
		}
		switch kind {
		case policy.Identity:
			set.Identity = append(set.Identity, doc.Statements...)
		case policy.Boundary:
			set.Boundary = append(set.Boundary, doc.Statements...)
		case policy.Session:
			set.Session = append(set.Session, doc.Statements...)
		case policy.SCP:
			if set.SCP == nil {
				set.SCP = make([][]policy.Statement, 1)
			}
			set.SCP[0] = append(set.SCP[0], doc.Statements...)
		case policy.Endpoint:
			set.Endpoint = append(set.Endpoint, doc.Statements...)
		}
	}
	return set
}

// caseGrants maps the file's grants to ours.
var caseGrants = map[string]string{"target": GrantTarget, "document": GrantDocument, "terminate": GrantTerminate,
	"resume": GrantResume, "openDataChannel": GrantDataChannel, "kms": GrantKMS}

// fixed is an Inventory of facts at hand.
type fixed Facts

func (f fixed) Facts(t context.Context, r Request) (Facts, error) { return Facts(f), nil }

// check runs a case through the local judge.
func (c publicCase) check(t testing.TB) Decision {
	t.Helper()
	r, f := c.request()
	g := Guard{Inventory: fixed(f), Simulators: []Simulator{Local{Static(c.set(t))}}}
	d, err := checked(t.Context(), &g, r)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestPublicCases(t *testing.T) {
	for _, c := range publicCases(t) {
		t.Run(c.Name, func(t *testing.T) {
			d := c.check(t)
			for _, want := range c.Expect {
				id := caseGrants[want.Grant]
				m := d.Of(id)
				if len(m.Rulings) != 1 {
					t.Fatalf("%s: %d rulings", id, len(m.Rulings))
				}
				g := m.Rulings[0].Grant
				if g.Action != want.Action || g.Resource != want.Resource {
					t.Errorf("%s: %s on %s, want %s on %s", id, g.Action, g.Resource, want.Action, want.Resource)
				}
				if got := m.Verdict.String(); got != want.Decision {
					t.Errorf("%s: %s, want %s", id, got, want.Decision)
				}
			}
		})
	}
}
