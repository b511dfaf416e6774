package upgrade

import (
	"errors"
	"math"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// What has come is read though the deadline has passed, as it has for a process that was
// stopped; where nothing has come, the connection is silent.
func TestReadAfterDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer near.Close()
		u := &upgrading{near, math.MaxInt}
		go func() {
			far.Write([]byte("x")) //nolint:errcheck // the test sees it
		}()
		synctest.Wait()
		near.SetReadDeadline(time.Now().Add(-time.Second)) //nolint:errcheck // likewise
		b := make([]byte, 8)
		if n, err := u.Read(b); n != 1 || err != nil {
			t.Errorf("%d bytes, %v", n, err)
		}
		near.SetReadDeadline(time.Now().Add(time.Second)) //nolint:errcheck // likewise
		begun := time.Now()
		if n, err := u.Read(b); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(begun) != time.Second+lateRead {
			t.Errorf("%d bytes after %v, %v", n, time.Since(begun), err)
		}
		far.Close()
	})
}
