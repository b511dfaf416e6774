package doctor

import (
	"testing"
	"time"

	"ssmguard/cmd/internal/report"
)

// A part is told when it is older than a year, and each has a day that can be read.
func TestParts(t *testing.T) {
	day := func(text string) time.Time {
		at, err := time.Parse(time.DateOnly, text)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	newest := Parts(time.Now())[3]
	for _, p := range Parts(time.Now()) {
		day(p.Of)
	}
	oldest := Parts(time.Now())[0]
	for _, c := range []struct {
		about string
		now   time.Time
		old   int
	}{
		{"the day of the newest", day(newest.Of), 0},
		{"a year after the oldest", day(oldest.Of).AddDate(1, 0, 0), 0},
		{"a day more", day(oldest.Of).AddDate(1, 0, 1), 1},
		{"a year and a day after the newest", day(newest.Of).AddDate(1, 0, 1), 4},
	} {
		old := 0
		for _, p := range Parts(c.now) {
			if p.Old {
				old++
			}
		}
		d := doctor{now: func() time.Time { return c.now }}
		checks := d.parts(t.Context())
		if old != c.old || len(checks) != old || old > 0 && checks[0].Level != report.Warn {
			t.Errorf("%s: %d are old, want %d; %+v", c.about, old, c.old, checks)
		}
	}
}
