package finding

import (
	"context"
	"testing"

	"ssmguard/guard"
	"ssmguard/guard/guardtest"
	"ssmguard/guard/repair"
)

// checked asks a guard, and explains and repairs what it found.
func checked(ctx context.Context, g *guard.Guard, r guard.Request) (guard.Decision, error) {
	d, err := g.Check(ctx, r)
	return repair.Propose(Explain(d)), err
}

// check runs a case through the local judge.
func check(c guardtest.PublicCase, t testing.TB) guard.Decision {
	t.Helper()
	r, f := c.Asks()
	g := guard.Guard{Inventory: guardtest.Fixed(f), Simulators: []guard.Simulator{guard.Local{Source: guard.Static(c.Set(t))}}}
	d, err := checked(t.Context(), &g, r)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestPublicCases(t *testing.T) {
	for _, c := range guardtest.PublicCases(t) {
		t.Run(c.Name, func(t *testing.T) {
			d := check(c, t)
			for _, want := range c.Expect {
				id := guardtest.CaseGrants[want.Grant]
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
