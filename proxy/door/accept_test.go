package door

import (
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// exhausted is a listener without file descriptors for a while.
type exhausted struct {
	net.Listener
	until  time.Time
	asked  atomic.Int32
	closed chan struct{}
}

func (l *exhausted) Accept() (net.Conn, error) {
	if n := l.asked.Add(1); n < 100 && time.Now().Before(l.until) {
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
	select {
	case <-l.closed:
		return nil, net.ErrClosed
	default:
	}
	conn, _ := net.Pipe() // nobody knows whose: it is admitted
	return conn, nil
}

func (l *exhausted) Close() error { close(l.closed); return nil }

// A listener that cannot accept for now is asked again, but not all the time.
func TestAcceptPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &exhausted{until: time.Now().Add(10 * time.Second), closed: make(chan struct{})}
		d := &Door{listeners: []net.Listener{l}, conns: make(chan net.Conn), closed: make(chan struct{}), remove: func() {}}
		d.wg.Go(func() { d.accept(l) })
		conn, err := d.Accept()
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
		if n := l.asked.Load(); n > 30 {
			t.Errorf("asked %d times in ten seconds", n)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
}
