package channel

import (
	"encoding/binary"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// download reads from conn at a speed until it ends or stop is closed.
func download(conn *vconn, perSecond int, stop <-chan struct{}) (n int64, err error) {
	defer conn.Close()
	for tick := time.Tick(10 * time.Millisecond); ; {
		k, err := io.CopyN(io.Discard, conn, int64(perSecond/100))
		if n += k; err != nil {
			return n, err
		}
		select {
		case <-tick:
		case <-stop:
			return n, nil
		}
	}
}

// query sends a few bytes and returns how long the answer takes.
func (r *vrig) query(conn *vconn, i uint64) time.Duration {
	r.t.Helper()
	begin := time.Now()
	conn.SetDeadline(begin.Add(time.Hour)) //nolint:errcheck // it never fails
	b := binary.BigEndian.AppendUint64(nil, i)
	if _, err := conn.Write(b); err != nil {
		r.t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, b); err != nil || binary.BigEndian.Uint64(b) != i {
		r.t.Fatalf("query %d: %v, %v", i, b, err)
	}
	return time.Since(begin)
}

func buffer1M(_ *vnet, o *Options) { o.Buffer = 1 << 20 }

// A connection that reads, but more slowly than bytes come, fills the buffer. It
// must not make the others as slow as it is itself.
func TestSlowReaderIsReset(t *testing.T) {
	withVrig(t, buffer1M, func(t *testing.T, r *vrig) {
		stop := make(chan struct{})
		defer close(stop)
		result := make(chan error, 1)
		slow := r.connect('d')
		go func() {
			_, err := download(slow, 20<<10, stop)
			result <- err
		}()
		conn := r.connect('e')
		defer conn.Close()
		var worst time.Duration
		for i := range uint64(60) {
			worst = max(worst, r.query(conn, i))
			time.Sleep(time.Second)
		}
		if worst > 8*time.Second {
			t.Errorf("a query took %v; stats %+v", worst, r.c.Stats())
		}
		if d := r.query(conn, 99); d > 100*time.Millisecond {
			t.Errorf("in the end a query takes %v", d)
		}
		if err := <-result; err == nil {
			t.Error("the slow connection was not reset")
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if len(r.events) != 1 || r.events[0].Kind != Dropped || !strings.HasSuffix(r.events[0].Text, "KiB unread") {
			t.Errorf("events %+v", r.events)
		}
	})
}

// Of 200 connections one does not read. The others notice nothing, not even when
// the buffer is full.
func TestOneOfManyDoesNotRead(t *testing.T) {
	withVrig(t, buffer1M, func(t *testing.T, r *vrig) {
		var worst atomic.Int64
		var wg sync.WaitGroup
		for i := range uint64(199) {
			wg.Go(func() {
				conn := r.connect('e')
				defer conn.Close()
				r.query(conn, i) // all begin at once
				for k := range uint64(20) {
					d := r.query(conn, i<<32|k)
					for old := worst.Load(); int64(d) > old && !worst.CompareAndSwap(old, int64(d)); old = worst.Load() {
					}
					time.Sleep(200*time.Millisecond + time.Duration(i)*time.Millisecond)
				}
			})
		}
		time.Sleep(time.Second)
		idle := r.connect('p')
		defer idle.Close()
		wg.Wait()
		if d := time.Duration(worst.Load()); d > 50*time.Millisecond { // it is 20 ms away
			t.Errorf("a query took %v; stats %+v", d, r.c.Stats())
		}
		if s := r.c.Stats(); s.Dropped != 1 {
			t.Errorf("stats %+v", s)
		}
	})
}

// As long as nobody waits, a slow connection is nobody's trouble: neither beside
// connections that rest, nor if it stops for an hour.
func TestSlowReaderIsLetBe(t *testing.T) {
	withVrig(t, buffer1M, func(t *testing.T, r *vrig) {
		idle := r.connect('e')
		defer idle.Close()
		r.query(idle, 1)
		silent, err := r.local.dial(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		defer silent.Close()
		time.Sleep(2 * lately)
		slow := r.connect('d')
		stop := make(chan struct{})
		time.AfterFunc(time.Minute, func() { close(stop) })
		if n, err := download(slow, 20<<10, stop); err != nil || n < 500<<10 {
			t.Errorf("%d bytes, %v", n, err)
		}
		synctest.Wait() // nothing of it is left for the next one to wait for
		stopped := r.connect('d')
		time.Sleep(time.Hour)
		if n, err := io.CopyN(io.Discard, stopped, 3<<20); err != nil {
			t.Errorf("after an hour: %d bytes, %v", n, err)
		}
		stopped.Close()
		if s := r.c.Stats(); s.Dropped > 0 || s.Resumed > 0 {
			t.Errorf("stats %+v", s)
		}
	})
}

// A download that is fast, and yet slower than the line, delays the others by
// so little that it is let be.
func TestFastReaderIsLetBe(t *testing.T) {
	withVrig(t, buffer1M, func(t *testing.T, r *vrig) {
		stop := make(chan struct{})
		result := make(chan error, 1)
		fast := r.connect('d')
		go func() {
			_, err := download(fast, 2<<20, stop)
			result <- err
		}()
		conn := r.connect('e')
		defer conn.Close()
		for i := range uint64(8) {
			if d := r.query(conn, i); d > 2*time.Second {
				t.Errorf("a query took %v; stats %+v", d, r.c.Stats())
			}
			time.Sleep(time.Second / 2)
		}
		close(stop)
		if err := <-result; err != nil || r.c.Stats().Dropped > 0 {
			t.Errorf("%v; stats %+v", err, r.c.Stats())
		}
	})
}

// The plugin pauses for a millisecond after every KiB that it reads.
func TestUploadMakesNoPauses(t *testing.T) {
	withVrig(t, asIs, func(t *testing.T, r *vrig) {
		const size = 8 << 20
		conn := r.connect('e')
		defer conn.Close()
		begin := time.Now()
		go conn.Write(randomBytes(size)) //nolint:errcheck // the echo tells
		n, err := io.CopyN(io.Discard, conn, size)
		if d := time.Since(begin); err != nil || d > 8*time.Second {
			t.Errorf("%d bytes of %d came back in %v: %v", n, size, d, err)
		}
	})
}

// The plugin takes a line that stands still for a second for one that has lost
// everything, and sends it all again and again.
func TestStandstillIsNoLoss(t *testing.T) {
	withVrig(t, asIs, func(t *testing.T, r *vrig) {
		const size = 400000
		conn := r.connect('e')
		defer conn.Close()
		go conn.Write(randomBytes(size)) //nolint:errcheck // the echo tells
		if _, err := io.CopyN(io.Discard, conn, size/4); err != nil {
			t.Fatal(err)
		}
		r.net.each(func(c *vconn) { c.stall(true) })
		time.Sleep(time.Second)
		if s := r.c.Stats(); s.Unacked == 0 {
			t.Errorf("nothing was on its way: %+v", s)
		}
		r.net.each(func(c *vconn) { c.stall(false) })
		if _, err := io.CopyN(io.Discard, conn, size*3/4); err != nil {
			t.Fatal(err)
		}
		if s := r.c.Stats(); s.Resent > 27 {
			t.Errorf("%d of 270 messages were sent again for a pause of a second: %+v", s.Resent, s)
		}
	})
}
