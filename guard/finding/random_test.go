package finding

import (
	"fmt"
	"os"
	"strconv"
	"testing"

	"ssmguard/guard"
	"ssmguard/guard/guardtest"
	"ssmguard/guard/policy"
)

// TestRandomRepairs: whatever the policies are, a denial that is wholly seen has
// a repair that works, and what it says of everything else is so.
func TestRandomRepairs(t *testing.T) {
	denied := 0
	for seed := range uint64(250) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			d := guardtest.NewDice(seed, 0)
			set := d.Set()
			r, facts := d.Request()
			g := guard.Guard{Inventory: guardtest.Fixed(facts), Simulators: []guard.Simulator{guard.Local{Source: guard.Static(set)}}}
			decision, err := checked(t.Context(), &g, r)
			if err != nil {
				t.Fatal(err)
			}
			if !decision.Verdict().Denies() {
				return
			}
			denied++
			if startFix(decision) == nil {
				t.Error("no repair")
			}
			for _, f := range decision.Findings {
				repaired(t, decision, f)
			}
			if t.Failed() {
				for _, l := range guard.LayersOf(set) {
					for _, s := range l.Statements {
						text, _ := s.MarshalJSON()
						t.Logf("%s %s", l.Kind, text)
					}
				}
				t.Logf("%s %q %v\n%s", r.Target, r.Document, facts, listing(decision.Findings))
			}
		})
	}
	if denied < 100 {
		t.Errorf("only %d requests were denied", denied)
	}
}

// TestRepairsSayWhatTheyOpen: of 200 random neighbours of a request none gets another
// verdict by a repair that is called checked, unless the repair names its kind.
// SSMGUARD_SEEDS says how many sets of policies are tried.
func TestRepairsSayWhatTheyOpen(t *testing.T) {
	seeds := uint64(60)
	if n, err := strconv.ParseUint(os.Getenv("SSMGUARD_SEEDS"), 10, 64); err == nil {
		seeds = n
	}
	looked := 0
	for seed := range seeds {
		d := guardtest.NewDice(seed, 1)
		set := d.Set()
		if d.In(2) {
			set.Identity = append(set.Identity, d.Statements(policy.Identity, "role/dev, attached", 1, 1)...)
		}
		r, facts := d.Request()
		g := guard.Guard{Inventory: guardtest.Fixed(facts), Simulators: []guard.Simulator{guard.Local{Source: guard.Static(set)}}}
		decision, err := checked(t.Context(), &g, r)
		if err != nil {
			t.Fatal(err)
		}
		var around []guardtest.Neighbour
		for range 200 {
			around = append(around, d.Neighbour(decision))
		}
		told := make(map[*guard.Fix]bool)
		for _, f := range decision.Findings {
			for fix := f.Fix; fix != nil; fix = fix.Or {
				if !fix.Checked || told[fix] || len(fix.Changes) == 0 {
					continue
				}
				told[fix] = true
				looked++
				after := set
				for _, c := range fix.Changes {
					if after, err = guard.Apply(after, c); err != nil {
						t.Fatal(err)
					}
				}
				for _, n := range around {
					was, is := guard.Evaluate(set, n.Grant).Verdict, guard.Evaluate(after, n.Grant).Verdict
					if was != is && !n.Named(fix.Check) {
						t.Errorf("seed %d: %s goes from %v to %v on %s, and %s says %q", seed, n.Action, was, is, n.Resource, fix.Text, fix.Check)
						break
					}
				}
			}
		}
	}
	if looked < int(seeds)/4 {
		t.Errorf("only %d repairs were looked at", looked)
	}
}
