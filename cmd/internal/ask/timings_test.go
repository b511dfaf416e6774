package ask

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTimings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ts := newTimings()
		end := ts.Span("guard")
		time.Sleep(41 * time.Millisecond) // of the synctest bubble
		ts.add("iam:GetRole", 40*time.Millisecond)
		time.Sleep(500 * time.Microsecond)
		end()
		var out bytes.Buffer
		ts.Print(&out)
		want := "ssmguard: timings in ms: began, took, what\n" +
			"  1.0  40.0  iam:GetRole\n" +
			"  0.0  41.5  guard\n" +
			"  0.0  41.5  all until now\n"
		if diff := cmp.Diff(want, out.String()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestNoTimings(t *testing.T) {
	var ts *timings
	ts.Span("guard")()
	var out bytes.Buffer
	ts.Print(&out)
	if out.Len() != 0 {
		t.Errorf("wrote %q", out.String())
	}
}
