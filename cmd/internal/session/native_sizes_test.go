package session

import (
	"sync/atomic"
	"testing"
	"time"

	"ssmguard/proxy/channel/wire"
)

// A size that nothing tells of is seen when it is looked at.
func TestChangedSizes(t *testing.T) {
	var cols atomic.Uint32
	cols.Store(80)
	size := func() wire.Size { return wire.Size{Cols: cols.Load(), Rows: 24} }
	look, redraw, out := make(chan time.Time), make(chan struct{}), make(chan wire.Size)
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		changedSizes(size, look, redraw, out, done)
	}()
	expect := func(cols, rows uint32) {
		t.Helper()
		if got := <-out; got != (wire.Size{Cols: cols, Rows: rows}) {
			t.Errorf("%+v, want %d by %d", got, cols, rows)
		}
	}
	expect(80, 24)
	look <- time.Time{}
	select {
	case got := <-out:
		t.Errorf("%+v, which is no change", got)
	case look <- time.Time{}:
	}
	cols.Store(100)
	look <- time.Time{}
	expect(100, 24)
	redraw <- struct{}{}
	expect(100, 25)
	expect(100, 24)
	close(done)
	<-ended
}
