package nettext

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// Errors as the system makes them are of their kind, and of no other: numbers differ
// between systems.
func TestKinds(t *testing.T) {
	kinds := map[string]func(error) bool{"in use": InUse, "no address": NoAddress, "refused": Refused, "reset": Reset,
		"no reader": NoReader, "denied": Denied, "too long": TooLong}
	for _, test := range []struct {
		name string
		make func(t *testing.T) error
		want []string
	}{
		{"a port twice", portTwice, []string{"in use"}},
		{"an address of others", func(*testing.T) error { _, err := net.Listen("tcp", "192.0.2.1:0"); return err }, []string{"no address"}},
		{"nobody listens", nobodyListens, []string{"refused"}},
		{"a socket without a listener", staleSocket, []string{"refused"}},
		{"read from a connection that was broken off", func(t *testing.T) error { return broken(t, false) }, []string{"reset"}},
		{"write to it", func(t *testing.T) error { return broken(t, true) }, []string{"reset", "no reader"}},
		{"write to a pipe without a reader", unreadPipe, []string{"no reader"}},
		{"run a folder", folderAsProgram, []string{"denied"}},
		{"a long path of a socket", longSocket, []string{"too long"}},
		{"no such file", func(*testing.T) error { _, err := os.Open("no such file"); return err }, nil},
		{"the end", func(*testing.T) error { return io.EOF }, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := test.make(t)
			if err == nil {
				t.Fatal("no error")
			}
			is := 0
			for name, of := range kinds {
				for _, wanted := range test.want {
					if name == wanted && of(err) && of(fmt.Errorf("within: %w", err)) {
						is++
					}
				}
				if of(err) && !strings.Contains(strings.Join(test.want, ","), name) {
					t.Errorf("%v (%#v) is %s, too", err, errors.Unwrap(err), name)
				}
			}
			if is == 0 && test.want != nil {
				t.Errorf("%v (%#v) is not %q", err, errors.Unwrap(err), test.want)
			}
		})
	}
	for name, of := range kinds {
		if of(nil) {
			t.Errorf("no error is %s", name)
		}
	}
}

func portTwice(t *testing.T) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = net.Listen("tcp", l.Addr().String())
	return err
}

func nobodyListens(t *testing.T) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err == nil {
		conn.Close()
		t.Skip("another process has taken the port")
	}
	return err
}

func staleSocket(t *testing.T) error {
	path := filepath.Join(os.TempDir(), fmt.Sprintf("stale.%d", os.Getpid())) // Wine 8 cannot remove all of a folder
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Skipf("no unix sockets here: %v", err)
	}
	defer os.Remove(path)
	l.SetUnlinkOnClose(false)
	l.Close()
	_, err = net.Dial("unix", path)
	return err
}

// broken returns the error of a connection whose other end was broken off.
func broken(t *testing.T, write bool) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	other, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	other.(*net.TCPConn).SetLinger(0)
	other.Close()
	if !write {
		if _, err = io.ReadAll(conn); err == nil && runtime.GOOS == "windows" {
			t.Skip("Wine ends such a connection as if it were closed")
		}
		return err
	}
	for range 1 << 20 {
		if _, err = conn.Write(make([]byte, 1<<10)); err != nil {
			break
		}
	}
	return err
}

func unreadPipe(t *testing.T) error {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	r.Close()
	_, err = w.WriteString("nobody reads this")
	return err
}

// folderAsProgram runs what is no program, which even root may not.
func folderAsProgram(*testing.T) error {
	if runtime.GOOS == "windows" { // where Go looks first; this is a port that Windows has set aside
		return &net.OpError{Op: "listen", Net: "tcp", Err: os.NewSyscallError("bind", syscall.Errno(10013))}
	}
	p, err := os.StartProcess(os.TempDir(), []string{"folder"}, &os.ProcAttr{})
	if err == nil {
		p.Wait() //nolint:errcheck // the test has failed
	}
	return err
}

func longSocket(t *testing.T) error {
	_, err := net.Listen("unix", filepath.Join(os.TempDir(), strings.Repeat("s", 200)))
	if NoAddress(err) {
		t.Skipf("no unix sockets here: %v", err)
	}
	return err
}
