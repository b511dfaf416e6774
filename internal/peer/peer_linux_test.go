package peer

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"ssmguard/internal/peer/peertest"
)

// asked serves one connection: it returns what UID says of it, and answers its word.
func asked(t *testing.T, l net.Listener) <-chan error {
	got := make(chan error, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			got <- err
			return
		}
		defer conn.Close()
		uid, err := UID(conn)
		if err == nil && uid == peertest.Nobody {
			err = &ForeignError{uid}
		}
		got <- err
	}()
	return got
}

// listen listens on loopback, or skips where the machine has no such address.
func listen(t *testing.T, network, address string) net.Listener {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Skipf("no such address here: %v", err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// pair returns both ends of a connection to a listener.
func pair(t *testing.T, l net.Listener, d net.Dialer, network, address string) (client, server net.Conn) {
	t.Helper()
	client, err := d.DialContext(t.Context(), network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	server, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	return client, server
}

// bindToLoopback binds a socket to the interface lo.
func bindToLoopback(_, _ string, c syscall.RawConn) (err error) {
	return errors.Join(c.Control(func(fd uintptr) { err = syscall.BindToDevice(int(fd), "lo") }), err)
}

// The own user is told over each form of loopback address, of either end.
func TestOwn(t *testing.T) {
	for _, c := range []struct{ name, network, listen, dial string }{
		{"IPv4", "tcp", "127.0.0.1:0", "127.0.0.1"},
		{"another address of 127.0.0.0/8", "tcp", "127.0.0.3:0", "127.0.0.3"},
		{"IPv6", "tcp", "[::1]:0", "::1"},
		{"IPv4 to a listener for both", "tcp", "[::]:0", "127.0.0.1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := listen(t, "tcp", c.listen)
			_, port, _ := net.SplitHostPort(l.Addr().String())
			for what, d := range map[string]net.Dialer{"plain": {}, "bound to lo": {Control: bindToLoopback}} {
				client, server := pair(t, l, d, c.network, net.JoinHostPort(c.dial, port))
				for _, end := range []net.Conn{client, server} {
					if uid, err := UID(end); uid != os.Geteuid() || err != nil {
						t.Errorf("%s: %v to %v: got %d, %v", what, end.LocalAddr(), end.RemoteAddr(), uid, err)
					}
					if err := Check(end); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	t.Run("IPv4 through a socket of IPv6", func(t *testing.T) {
		l := listen(t, "tcp4", "127.0.0.1:0")
		fd, err := syscall.Socket(syscall.AF_INET6, syscall.SOCK_STREAM, 0)
		if err != nil {
			t.Skip(err)
		}
		defer syscall.Close(fd)
		mapped := netip.MustParseAddr("::ffff:127.0.0.1").As16()
		if err := syscall.Connect(fd, &syscall.SockaddrInet6{Addr: mapped, Port: l.Addr().(*net.TCPAddr).Port}); err != nil {
			t.Skip(err)
		}
		server, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer server.Close()
		if uid, err := UID(server); uid != os.Geteuid() || err != nil {
			t.Errorf("got %d, %v", uid, err)
		}
	})
	t.Run("unix", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "s")
		client, server := pair(t, listen(t, "unix", path), net.Dialer{}, "unix", path)
		for _, end := range []net.Conn{client, server} {
			if uid, err := UID(end); uid != os.Geteuid() || err != nil {
				t.Errorf("got %d, %v", uid, err)
			}
		}
	})
}

// A client that has ended its own direction is still there.
func TestHalfClosed(t *testing.T) {
	l := listen(t, "tcp", "127.0.0.1:0")
	client, server := pair(t, l, net.Dialer{}, "tcp", l.Addr().String())
	if err := client.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(server); err != nil {
		t.Fatal(err)
	}
	if uid, err := UID(server); uid != os.Geteuid() || err != nil {
		t.Errorf("got %d, %v", uid, err)
	}
	if held, err := Held(server.(*net.TCPConn)); !held || err != nil {
		t.Errorf("held %t, %v", held, err)
	}
	client.Close()
	if held, err := Held(server.(*net.TCPConn)); held || err != nil {
		t.Errorf("after its end: held %t, %v", held, err)
	}
}

// A client that has left is not known, and is not taken for root's or for the
// listener's: however it left, with what it wrote still to be read.
func TestGone(t *testing.T) {
	for name, linger := range map[string]int{"closed": -1, "reset": 0} {
		for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
			t.Run(name+" "+address, func(t *testing.T) {
				l := listen(t, "tcp", address)
				client, server := pair(t, l, net.Dialer{}, "tcp", l.Addr().String())
				if _, err := io.WriteString(client, "words"); err != nil {
					t.Fatal(err)
				}
				if err := errors.Join(client.(*net.TCPConn).SetLinger(linger), client.Close()); err != nil {
					t.Fatal(err)
				}
				// The end of a closed connection is seen here a moment later.
				if uid, err := UID(server); !errors.Is(err, ErrGone) && !errors.Is(err, ErrHidden) {
					t.Errorf("got %d, %v", uid, err)
				}
			})
		}
	}
	t.Run("another user", func(t *testing.T) {
		l := listen(t, "tcp", "127.0.0.1:0")
		peertest.Leave(t, "tcp", l.Addr().String(), "words")
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := Check(conn); err == nil || errors.Is(err, ErrUnknown) {
			t.Errorf("got %v", err)
		}
	})
}

func TestForeign(t *testing.T) {
	open := filepath.Join(t.TempDir(), "s")
	for _, dir := range []string{filepath.Dir(open), filepath.Dir(filepath.Dir(open))} {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ network, address string }{{"tcp", "127.0.0.1:0"}, {"tcp", "[::1]:0"}, {"unix", open}} {
		for _, multipath := range []bool{false, true} {
			if multipath && c.network == "unix" {
				continue
			}
			l := listen(t, c.network, c.address)
			if c.network == "unix" {
				if err := os.Chmod(open, 0o666); err != nil {
					t.Fatal(err)
				}
			}
			got := asked(t, l)
			if _, err := peertest.TalkAs(t, peertest.Nobody, multipath, c.network, l.Addr().String(), ""); err != nil {
				t.Fatal(err)
			}
			var foreign *ForeignError
			if err := <-got; !errors.As(err, &foreign) || foreign.UID != peertest.Nobody {
				t.Errorf("%s, multipath %v: got %v", l.Addr(), multipath, err)
			}
			l.Close()
		}
	}
}

// Root is admitted by every user: the test's program checks a connection of ours.
func TestRootIsAdmitted(t *testing.T) {
	if os.Getenv("SSMGUARD_TEST_CHECKS") != "" {
		f := os.NewFile(3, "connection")
		conn, err := net.FileConn(f)
		if err != nil {
			t.Fatal(err)
		}
		if uid, err := UID(conn); uid != 0 || err != nil {
			t.Errorf("got %d, %v", uid, err)
		}
		if err := Check(conn); err != nil {
			t.Error(err)
		}
		return
	}
	cmd := peertest.Command(t, peertest.Nobody, "/proc/self/exe", "-test.run=^TestRootIsAdmitted$", "-test.v")
	l := listen(t, "tcp", "127.0.0.1:0")
	_, server := pair(t, l, net.Dialer{}, "tcp", l.Addr().String())
	f, err := server.(*net.TCPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cmd.ExtraFiles = []*os.File{f}
	cmd.Env = append(os.Environ(), "SSMGUARD_TEST_CHECKS=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// Of what is not on this machine nothing is known.
func TestUnknown(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	if _, err := UID(a); !errors.Is(err, ErrUnknown) {
		t.Errorf("got %v", err)
	}
	// Neither this end nor the other one: as in a kernel without diagnosis of TCP.
	nowhere := netip.MustParseAddrPort("127.1.2.3:9")
	if _, err := uidOfTCP(nowhere, netip.MustParseAddrPort("127.1.2.4:9")); !errors.Is(err, ErrUnknown) {
		t.Errorf("got %v", err)
	}
}

func TestAnswer(t *testing.T) {
	refused := make([]byte, headerSize+20)
	binary.NativeEndian.PutUint16(refused[4:], syscall.NLMSG_ERROR)
	none, denied := -int32(syscall.ENOENT), -int32(syscall.EPERM)
	for name, c := range map[string]struct {
		code int32
		want error
	}{"no socket": {none, syscall.ENOENT}, "not allowed": {denied, syscall.EPERM}} {
		binary.NativeEndian.PutUint32(refused[headerSize:], uint32(c.code))
		if _, err := answer(refused); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	short := make([]byte, headerSize+answerSize-1)
	binary.NativeEndian.PutUint16(short[4:], sockDiagByFamily)
	for _, b := range [][]byte{nil, refused[:headerSize], short, make([]byte, 200)} {
		if _, err := answer(b); !errors.Is(err, syscall.EPROTO) {
			t.Errorf("%d bytes: %v", len(b), err)
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	server, err := l.Accept()
	if err != nil {
		b.Fatal(err)
	}
	defer server.Close()
	for b.Loop() {
		if err := Check(server); err != nil {
			b.Fatal(err)
		}
	}
}
