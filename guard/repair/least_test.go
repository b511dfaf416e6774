package repair

import (
	"testing"

	"ssmguard/guard"
	"ssmguard/guard/guardtest"
	"ssmguard/guard/policy"
)

// TestLeastPrivilege: for every public case the policy printed lets everything
// through and opens no neighbour.
func TestLeastPrivilege(t *testing.T) {
	for _, c := range guardtest.PublicCases(t) {
		r, f := c.Asks()
		doc, err := policy.Parse(policy.Identity, "least", []byte(guard.LeastPrivilege(r, f)))
		if err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		set := policy.Set{Identity: doc.Statements}
		for _, g := range guard.Needs(r, f) {
			if v := guard.Evaluate(set, g).Verdict; v != policy.Allow {
				t.Errorf("%s: %s is %v", c.Name, g.ID, v)
			}
		}
		for _, p := range probesFor(r, f, policy.Set{}) {
			if p.label == ownSessions {
				continue // the policy is for all of them
			}
			// Each of the session's own actions may be another one's neighbour.
			if v := guard.Evaluate(set, p.grant).Verdict; v == policy.Allow {
				t.Errorf("%s: it also allows %s: %s on %s", c.Name, p.label, p.grant.Action, p.grant.Resource)
			}
		}
	}
}
