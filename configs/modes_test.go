package configs

import "testing"

// Modes are ordered from the weakest to the strictest; "" is the weakest.
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
