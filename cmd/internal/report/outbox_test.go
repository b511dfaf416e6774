package report

import (
	"errors"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"ssmguard/proxy"
)

// stopped is a terminal that takes nothing until it is let go.
type stopped struct {
	goes chan struct{}
	took []int
}

// Event implements Events.
func (s *stopped) Event(e proxy.Event) error {
	<-s.goes
	s.took = append(s.took, e.Attempt)
	if e.Attempt == 2 {
		return errors.New("full")
	}
	return nil
}

// A slow reader does not delay the sender, and gets all events in order.
func TestOutbox(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := &stopped{goes: make(chan struct{})}
		var faults []error
		b := NewOutbox(to, func(err error) { faults = append(faults, err) })
		for n := range 4 {
			b.Put(proxy.Event{Attempt: n})
			synctest.Wait()
		}
		close(to.goes)
		b.Put(proxy.Event{Attempt: 4})
		b.Close()
		if diff := cmp.Diff([]int{0, 1, 2, 3, 4}, to.took); diff != "" || len(faults) != 1 {
			t.Errorf("faults %v, took (-want +got):\n%s", faults, diff)
		}
	})
}
