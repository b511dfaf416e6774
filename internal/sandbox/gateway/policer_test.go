package gateway_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ssmguard/internal/sandbox/gateway"
)

func TestPolicer(t *testing.T) {
	start := time.Unix(1e9, 0)
	p := gateway.Policer{Police: gateway.Police{Rate: 1000, Queue: 300, Patience: time.Second}}
	after := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	for i, c := range []struct {
		at, size int // ms, bytes
		want     gateway.Verdict
	}{
		{0, 100, gateway.Verdict{Passes: after(100)}},
		{0, 200, gateway.Verdict{Passes: after(300)}},
		{0, 100, gateway.Verdict{Pause: true}},
		{50, 100, gateway.Verdict{}}, // there is room for half of it
		{100, 100, gateway.Verdict{Passes: after(400)}},
		{400, 300, gateway.Verdict{Passes: after(700)}}, // the queue was not empty before
		{600, 200, gateway.Verdict{Passes: after(900)}},
		{850, 200, gateway.Verdict{Passes: after(1100)}},
		{1000, 200, gateway.Verdict{Passes: after(1300)}},
		{1001, 100, gateway.Verdict{End: true}},
		{1400, 300, gateway.Verdict{Passes: after(1700)}}, // it has been empty
		{1401, 100, gateway.Verdict{Pause: true}},
	} {
		if got := p.Offer(c.size, after(c.at)); !cmp.Equal(got, c.want) {
			t.Errorf("message %d: %+v, want %+v", i, got, c.want)
		}
	}
	if p.Pauses != 2 || p.Lost != 4 {
		t.Errorf("%d pauses, %d lost", p.Pauses, p.Lost)
	}
	if got := p.Resume(after(1500)); !got.Equal(after(1700)) {
		t.Errorf("to be started again at %v", got)
	}
	if got := p.Resume(after(1700)); !got.IsZero() {
		t.Errorf("not started again before %v", got)
	}
	if got := p.Offer(100, after(1700)); !got.Passes.Equal(after(1800)) {
		t.Errorf("after the pause %+v", got)
	}
	unlimited := gateway.Policer{}
	if got := unlimited.Offer(1<<30, start); !got.Passes.Equal(start) {
		t.Errorf("without a limit %+v", got)
	}
}
