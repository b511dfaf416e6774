package channel

import (
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"ssmguard/proxy"
)

// A taker without a connection is idle after a while; the time begins anew with the end of
// each connection, and none is lost at that moment.
func TestIdleTaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const idle = 8 * time.Minute
		in := NewInlet(nil)
		defer in.Close()
		began := time.Now()
		load := new(atomic.Int32)
		accept := func() (net.Conn, error) {
			return in.AcceptUntilIdle(t.Context(), func() int { return int(load.Load()) }, idle)
		}
		time.AfterFunc(7*time.Minute, func() { in.Put(&net.TCPConn{}) })
		if conn, err := accept(); conn == nil || err != nil {
			t.Fatalf("within the time: %v", err)
		}
		load.Store(1)
		time.AfterFunc(20*time.Minute+30*time.Second, func() { load.Store(0) })
		if _, err := accept(); !errors.Is(err, proxy.ErrIdle) {
			t.Errorf("without a connection: %v", err)
		}
		if took := time.Since(began); took < 35*time.Minute+30*time.Second || took > 37*time.Minute {
			t.Errorf("idle after %v, want 7m + 20m30s + 8m, and at most a look more", took)
		}
		wanted := in.Wanted()
		select {
		case <-wanted:
			t.Error("a session is wanted for nothing")
		default:
		}
		in.Put(&net.TCPConn{}) // nobody is there
		<-wanted
		<-in.Wanted()
		if conn, err := accept(); conn == nil || err != nil {
			t.Errorf("what waited: %v", err)
		}
	})
}

// Forward ends when its channel was idle, and not while a connection is open, though it rests.
func TestForwardEndsWhenIdle(t *testing.T) {
	const idle = 10 * time.Minute
	withVrigForwarding(t, ForwardOptions{Idle: idle}, func(*vnet, *Options) {}, func(t *testing.T, r *vrig) {
		began := time.Now()
		conn := r.connect('e')
		time.Sleep(time.Hour)
		if _, err := conn.Write([]byte("here")); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(conn, make([]byte, 4)); err != nil {
			t.Fatal(err)
		}
		conn.Close()
		if err := <-r.done; !errors.Is(err, proxy.ErrIdle) {
			t.Errorf("%v, want ErrIdle", err)
		}
		if took := time.Since(began); took < time.Hour+idle || took > time.Hour+2*idle {
			t.Errorf("idle after %v", took)
		}
		r.done <- nil
	})
}
