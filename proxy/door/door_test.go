package door

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"ssmguard/internal/nettext"
)

// echo answers one connection after the other with what it says, until the door closes.
func echo(t *testing.T, d *Door) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := d.Accept()
			if err != nil {
				return
			}
			io.Copy(conn, io.LimitReader(conn, 5))
			conn.Close()
		}
	}()
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		<-done
	})
}

func say(t *testing.T, conn net.Conn, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "hello"); err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(conn); string(b) != "hello" || err != nil {
		t.Errorf("got %q, %v", b, err)
	}
}

func hasIPv6(t *testing.T) bool {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Logf("no IPv6 here: %v", err)
		return false
	}
	l.Close()
	return true
}

func TestBothLoopbackAddresses(t *testing.T) {
	d, err := Open("", Options{})
	if err != nil {
		t.Fatal(err)
	}
	echo(t, d)
	_, port, err := net.SplitHostPort(d.String())
	if err != nil || port == "0" || !strings.HasPrefix(d.String(), "127.0.0.1:") {
		t.Fatalf("listens on %s", d)
	}
	conn, err := net.Dial("tcp", "127.0.0.1:"+port)
	say(t, conn, err)
	if hasIPv6(t) {
		conn, err = net.Dial("tcp", "[::1]:"+port)
		say(t, conn, err)
	}
	conn, err = d.Dial(t.Context())
	say(t, conn, err)
}

func TestPortInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, address := range []string{l.Addr().String(), fmt.Sprintf("localhost:%d", l.Addr().(*net.TCPAddr).Port)} {
		_, err = Open(address, Options{})
		var taken *InUseError
		if !errors.As(err, &taken) || taken.Address != l.Addr().String() {
			t.Fatalf("%s: %v", address, err)
		}
		if want := fmt.Sprintf("(pid %d)", os.Getpid()); runtime.GOOS == "linux" && !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%v: want %s", err, want)
		}
	}
}

func TestTakenOnIPv6(t *testing.T) {
	if !hasIPv6(t) {
		t.Skip("no IPv6")
	}
	for {
		l, err := net.Listen("tcp", "[::1]:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		port := fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
		_, err = Open(":"+port, Options{})
		var taken *InUseError
		switch {
		case !errors.As(err, &taken):
			t.Fatalf("got %v", err)
		case taken.Address == l.Addr().String():
			return
		case taken.Address != "127.0.0.1:"+port: // another program has that
			t.Fatalf("got %v", err)
		}
	}
}

func TestRemoteAddressesNeedToBeAllowed(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", "[::]:0", "192.0.2.1:0", "example.com:0"} {
		_, err := Open(address, Options{})
		var remote *RemoteError
		if !errors.As(err, &remote) {
			t.Errorf("%s: %v", address, err)
		}
	}
	d, err := Open("0.0.0.0:0", Options{Remote: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

func TestSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db.sock")
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if nettext.NoAddress(err) {
		_, err := Open("unix:"+path, Options{})
		if want := "this system has no unix sockets, so there is no " + path + "; give a port"; err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
		t.SkipNow()
	}
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false)
	stale.Close()

	d, err := Open("unix:"+path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if d.String() != "unix:"+path {
		t.Errorf("listens on %s", d)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); len(entries) != 1 || err != nil {
		t.Errorf("left in the directory: %v, %v", entries, err)
	}
	var taken *InUseError
	if _, err := Open("unix:"+path, Options{}); !errors.As(err, &taken) {
		t.Errorf("a second door: %v", err)
	}
	t.Run("carries", func(t *testing.T) {
		echo(t, d)
		conn, err := net.Dial("unix", path)
		say(t, conn, err)
	})
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is left: %v", err)
	}
}

func TestSocketTouchesNoFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notes")
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open("unix:"+path, Options{}); err == nil || !strings.Contains(err.Error(), "is not a socket") {
		t.Errorf("got %v", err)
	}
	if b, err := os.ReadFile(path); string(b) != "mine" || err != nil {
		t.Errorf("the file has %q, %v", b, err)
	}
}
