package guard

import (
	"context"
	"errors"
	"testing"

	"ssmguard/guard/policy"
)

type halfRead struct{ set policy.Set }

func (h halfRead) Policies(context.Context, Caller) (policy.Set, error) {
	return h.set, errors.Join(errors.New("throttled"), &NotVisible{Permission: "iam:GetRolePolicy"})
}

// A read that failed half way still proves what the other half denies.
func TestHalfReadPoliciesAreJudged(t *testing.T) {
	deny, err := policy.Parse(policy.Identity, "role/dev", []byte(`{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}`))
	if err != nil {
		t.Fatal(err)
	}
	gs := []Grant{{ID: GrantTarget, Action: "ssm:StartSession", Resource: "arn:aws:ec2:eu-west-1:111122223333:instance/i-1"}}
	set := policy.Set{Identity: deny.Statements, Partial: []policy.Kind{policy.Identity}}
	rulings, err := Local{halfRead{set}}.Simulate(t.Context(), Caller{}, gs)
	if err == nil || len(rulings) != 1 || rulings[0].Answer.Verdict != policy.ExplicitDeny {
		t.Errorf("rulings %v, error %v", rulings, err)
	}
	set.Partial = nil
	if rulings, _ := (Local{halfRead{set}}).Simulate(t.Context(), Caller{}, gs); rulings != nil {
		t.Errorf("a set that hides what it lacks was judged: %v", rulings)
	}
}
