package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// space is a network namespace of a cell's own, in which the client reaches the sandbox and
// has an address that can change. A nil space is the network of this process.
type space struct {
	file *os.File
	last int // of the client's address
}

// newSpace makes a namespace whose loopback address 127.0.0.1 is reached from address(0). It
// needs root, and the program ip.
func newSpace() (*space, error) {
	s := &space{}
	err := apart(func() (err error) {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("a network namespace: %w", err)
		}
		if s.file, err = os.Open("/proc/thread-self/ns/net"); err != nil {
			return err
		}
		return ip("link set lo up", "addr flush dev lo", "addr add 127.0.0.1/32 dev lo", s.add(), s.lead())
	})
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// apart runs f on a thread of its own, which ends with it.
func apart(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocks it, so that nothing else runs there
		done <- f()
	}()
	return <-done
}

// do runs f, whose sockets and processes are in the namespace then.
func (s *space) do(f func() error) error {
	if s == nil {
		return f()
	}
	return apart(func() error {
		if err := unix.Setns(int(s.file.Fd()), unix.CLONE_NEWNET); err != nil {
			return err
		}
		return f()
	})
}

// dial connects from within the namespace, to a listener in it.
func (s *space) dial(ctx context.Context, address string) (conn net.Conn, err error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}} // which stays when the client's changes
	err = s.do(func() (err error) {
		conn, err = d.DialContext(ctx, "tcp", address)
		return err
	})
	return conn, err
}

// move gives the client another address. Nothing says so to connections that have the old one.
func (s *space) move() error {
	return s.do(func() error {
		old := s.address()
		s.last++
		return ip(s.add(), s.lead(), "addr del "+old+"/32 dev lo")
	})
}

func (s *space) address() string { return fmt.Sprintf("127.0.1.%d", s.last+1) }
func (s *space) add() string     { return "addr add " + s.address() + "/32 dev lo" }

// lead has 127.0.0.1 reached from the client's address.
func (s *space) lead() string {
	return "route replace local 127.0.0.1/32 dev lo table local proto kernel scope host src " + s.address()
}

func (s *space) close() {
	if s != nil && s.file != nil {
		s.file.Close()
	}
}

func ip(lines ...string) error {
	for _, line := range lines {
		if out, err := exec.Command("ip", strings.Fields(line)...).CombinedOutput(); err != nil {
			return errors.Join(fmt.Errorf("ip %s: %w", line, err), errors.New(strings.TrimSpace(string(out))))
		}
	}
	return nil
}
