package guard

import (
	"testing"

	"ssmguard/guard/policy"
)

// TestVerdictIsTheWorst: a session needs all its required grants. A proven deny of
// one stops it whatever the other is, and what is not known is no allowance.
func TestVerdictIsTheWorst(t *testing.T) {
	const unknown, allow, implicit, explicit = policy.Unknown, policy.Allow, policy.ImplicitDeny, policy.ExplicitDeny
	gs := []Grant{{ID: GrantTarget}, {ID: GrantDocument}, {ID: GrantTerminate, Advisory: true}}
	for _, tt := range []struct{ target, document, want policy.Verdict }{
		{allow, allow, allow},
		{allow, unknown, unknown},
		{allow, implicit, implicit},
		{allow, explicit, explicit},
		{unknown, unknown, unknown},
		{unknown, implicit, implicit},
		{unknown, explicit, explicit},
		{implicit, implicit, implicit},
		{implicit, explicit, explicit},
		{explicit, explicit, explicit},
	} {
		for _, order := range [][2]policy.Verdict{{tt.target, tt.document}, {tt.document, tt.target}} {
			d := Decision{Grants: gs}
			for i, v := range []policy.Verdict{order[0], order[1], explicit} {
				d.Rulings = append(d.Rulings, Ruling{Grant: gs[i], Judge: "local", Answer: policy.Answer{Verdict: v}})
			}
			if got := d.Verdict(); got != tt.want {
				t.Errorf("target %v, document %v: %v, want %v", order[0], order[1], got, tt.want)
			}
		}
	}
	if got := (Decision{Grants: gs[2:]}).Verdict(); got != unknown {
		t.Errorf("without a required grant: %v", got)
	}
}
