package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// errOther means that other bytes arrived than were sent, errShort that the connection
// ended in an orderly way before the last.
var (
	errOther = errors.New("other bytes")
	errShort = errors.New("an orderly end too early")
)

// random is the same stream of bytes for both ends.
func random() io.Reader { return rand.NewChaCha8([32]byte{1}) }

// meter counts bytes and calls strike at each of the marks that it passes.
type meter struct {
	mu     sync.Mutex
	n      int64
	at     time.Time // of the last byte
	marks  []int64   // in order
	strike func()
}

// Write counts; it never fails.
func (m *meter) Write(p []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(p) > 0 {
		m.at = time.Now()
	}
	m.n += int64(len(p))
	for len(m.marks) > 0 && m.n >= m.marks[0] {
		m.marks = m.marks[1:]
		m.strike()
	}
	return len(p), nil
}

// state returns how many bytes have come, and when the last of them did.
func (m *meter) state() (n int64, at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.n, m.at
}

// far is the server at the far end. A connection asks with nine bytes: u or d, and how
// many; each u is answered with the SHA-256 of what came.
type far struct {
	listener net.Listener
	meter    *meter // of what comes up; those of the transfer itself
	wait     sync.WaitGroup
	mu       sync.Mutex
	conns    []net.Conn
}

func newFar() (*far, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	f := &far{listener: l, meter: &meter{}}
	f.wait.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			f.mu.Lock()
			f.conns = append(f.conns, conn)
			f.mu.Unlock()
			f.wait.Go(func() { defer conn.Close(); f.serve(conn) })
		}
	})
	return f, nil
}

// close ends the server and its connections.
func (f *far) close() {
	f.listener.Close()
	f.mu.Lock()
	for _, c := range f.conns {
		c.Close()
	}
	f.mu.Unlock()
	f.wait.Wait()
}

// reset resets every connection.
func (f *far) reset() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.conns {
		c.(*net.TCPConn).SetLinger(0) //nolint:errcheck // it may have gone
		c.Close()
	}
}

func (f *far) serve(conn net.Conn) {
	var ask [9]byte
	for {
		if _, err := io.ReadFull(conn, ask[:]); err != nil {
			return
		}
		n := int64(binary.BigEndian.Uint64(ask[1:]))
		var err error
		switch ask[0] {
		case 'u':
			sum := sha256.New()
			if _, err = io.CopyN(io.MultiWriter(sum, f.meter), conn, n); err == nil {
				_, err = conn.Write(sum.Sum(nil))
			}
		case 'd':
			_, err = io.CopyN(conn, random(), n)
		default:
			err = errOther
		}
		if err != nil {
			return
		}
	}
}

// send sends n bytes and compares the checksum that comes back; half ends the direction first.
func send(conn net.Conn, n int64, half bool) error {
	sum := sha256.New()
	if err := ask(conn, 'u', n); err != nil {
		return err
	}
	if _, err := io.CopyN(io.MultiWriter(conn, sum), random(), n); err != nil {
		return err
	}
	if half {
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			return err
		}
	}
	got := make([]byte, sha256.Size)
	if _, err := io.ReadFull(conn, got); err != nil {
		return ended(err)
	}
	if !bytes.Equal(got, sum.Sum(nil)) {
		return errOther
	}
	return nil
}

// receive asks for n bytes and compares each with what was sent.
func receive(conn net.Conn, n int64, progress io.Writer) error {
	if err := ask(conn, 'd', n); err != nil {
		return err
	}
	want := random()
	b, w := make([]byte, 32<<10), make([]byte, 32<<10)
	for n > 0 {
		k, err := conn.Read(b[:min(n, int64(len(b)))])
		io.ReadFull(want, w[:k]) //nolint:errcheck // it has no end
		if !bytes.Equal(b[:k], w[:k]) {
			return errOther
		}
		progress.Write(b[:k]) //nolint:errcheck // never fails
		n -= int64(k)
		if err != nil && n > 0 {
			return ended(err)
		}
	}
	return nil
}

func ask(conn net.Conn, what byte, n int64) error {
	_, err := conn.Write(binary.BigEndian.AppendUint64([]byte{what}, uint64(n)))
	return err
}

// ended tells an orderly end from the others.
func ended(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: %w", errShort, err)
	}
	return err
}
