package bastion

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestWatch(t *testing.T) {
	type counts struct {
		at       time.Duration
		open     int
		up, down int64
	}
	for _, c := range []struct {
		name    string
		counts  []counts
		refused time.Duration // 0: never
		want    Doubt
		after   time.Duration // about; 0: never within an hour
	}{
		{"nobody connects", nil, 0, Doubt{}, 0},
		{"an answer comes", []counts{{0, 1, 10, 0}, {4 * time.Second, 1, 10, 1}}, 0, Doubt{}, 0},
		{"none comes", []counts{{time.Minute, 1, 10, 0}}, 0, Doubt{Silent: 5 * time.Second, Asked: true}, time.Minute + 5*time.Second},
		{"neither asks", []counts{{time.Minute, 1, 0, 0}}, 0, Doubt{Silent: 5 * time.Second}, time.Minute + 5*time.Second},
		{"short connections", []counts{{0, 1, 1, 0}, {3 * time.Second, 0, 1, 0}, {9 * time.Second, 1, 2, 0}, {12 * time.Second, 0, 2, 0}}, 0, Doubt{}, 0},
		{"a refusal", nil, time.Minute, Doubt{}, time.Minute},
		{"a refusal after answers", []counts{{0, 1, 1, 1}}, time.Minute, Doubt{}, time.Minute},
	} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			refused := make(chan struct{}, 1)
			if c.refused > 0 {
				time.AfterFunc(c.refused, func() { refused <- struct{}{} })
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			got, err := Watch{Refused: refused, Counts: func() (open int, up, down int64) {
				for _, s := range c.counts {
					if time.Since(began) >= s.at {
						open, up, down = s.open, s.up, s.down
					}
				}
				return open, up, down
			}}.Wait(ctx)
			after := time.Since(began)
			switch {
			case c.after == 0 && !errors.Is(err, context.DeadlineExceeded):
				t.Errorf("%s: %+v after %v", c.name, got, after)
			case c.after > 0 && (err != nil || got != c.want || after < c.after || after > c.after+2*defaultEvery):
				t.Errorf("%s: %+v, %v after %v, want %+v after %v", c.name, got, err, after, c.want, c.after)
			}
		})
	}
}
