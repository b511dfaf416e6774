package guardtest

import (
	"context"
	"encoding/json"
	"os"
	"testing"

	"ssmguard/guard"
	"ssmguard/guard/policy"
)

// PublicCase is one situation of ../policy/testdata/start-session.json: decisions that come
// from outside this repository (the sources are in the file).
type PublicCase struct {
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

// PublicCases returns every situation.
func PublicCases(t testing.TB) []PublicCase {
	t.Helper()
	data, err := os.ReadFile("../policy/testdata/start-session.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []PublicCase
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

// Asks is a case as the guard sees it, in a closed world.
func (c PublicCase) Asks() (guard.Request, guard.Facts) {
	p := c.Request.Principal
	caller := guard.Caller{SessionARN: p.ARN, Principal: p.ARN, Account: c.Request.Account, UserID: p.UserID, Partition: c.Request.Partition, Tags: p.Tags}
	if p.RoleARN != "" {
		caller.Principal = p.RoleARN
	}
	r := guard.Request{Caller: caller, Region: c.Request.Region, Target: c.Request.Target, Document: c.Request.Document,
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
	return r, guard.Facts{TargetTags: c.Request.TargetTags, DocumentTags: c.Request.DocumentTags, KMSKey: c.Request.KMSKeyID}
}

// Set reads a case's policies; each SCP is a level of its own only when the file
// gives several levels, which it does not.
func (c PublicCase) Set(t testing.TB) policy.Set {
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
		layer := set.Layer(kind, 1)
		*layer = append(*layer, doc.Statements...)
	}
	return set
}

// CaseGrants maps the file's grants to ours.
var CaseGrants = map[string]string{"target": guard.GrantTarget, "document": guard.GrantDocument, "terminate": guard.GrantTerminate,
	"resume": guard.GrantResume, "openDataChannel": guard.GrantDataChannel, "kms": guard.GrantKMS}

// Fixed is an Inventory of facts at hand.
type Fixed guard.Facts

// Facts implements guard.Inventory.
func (f Fixed) Facts(t context.Context, r guard.Request) (guard.Facts, error) {
	return guard.Facts(f), nil
}
