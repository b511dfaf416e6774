package configs

import "testing"

// Of two modes one is weaker, and everything is weaker than what is no mode but that.
func TestWeakerThan(t *testing.T) {
	order := []GuardMode{"", GuardOff, GuardWarn, GuardOn, GuardStrict}
	for i, m := range order {
		for j, other := range order {
			if got := m.weakerThan(other); got != (i < j) {
				t.Errorf("%q is weaker than %q: %v", m, other, got)
			}
		}
	}
}
