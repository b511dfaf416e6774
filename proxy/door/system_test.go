package door

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// An address that cannot be had comes with what to do, on each system.
func TestAdvice(t *testing.T) {
	for _, test := range []struct {
		system, address string
		err             error
		want            string
	}{
		{"linux", "127.0.0.1:80", syscall.EACCES, "; ports below 1024 are for root, so give another, such as 10080"},
		{"darwin", "[::1]:443", syscall.EACCES, "; ports below 1024 are for root, so give another, such as 10443"},
		{"linux", "127.0.0.1:8080", syscall.EACCES, ""},
		{"linux", "127.0.0.1:0", syscall.EACCES, ""},
		{"linux", "127.0.0.1:80", syscall.EADDRNOTAVAIL, ""},
		{"linux", "127.0.0.1:80", errors.New("no"), ""},
		{"windows", "127.0.0.1:5432", syscall.EACCES, `; Windows has set the port aside, or another program keeps it for itself alone: "netsh interface ipv4 show excludedportrange protocol=tcp" lists the first kind; give another`},
		{"darwin", "127.0.0.2:5432", syscall.EADDRNOTAVAIL, "; this system has 127.0.0.1 only until it is told: sudo ifconfig lo0 alias 127.0.0.2 up"},
		{"linux", "127.0.0.2:5432", syscall.EADDRNOTAVAIL, ""},
		{"darwin", "192.0.2.1:5432", syscall.EADDRNOTAVAIL, ""},
		{"darwin", "[::1]:5432", syscall.EADDRNOTAVAIL, ""},
	} {
		if got := (network{system: test.system}).advice(test.address, test.err); got != test.want {
			t.Errorf("%s: %s, %v: %q, want %q", test.system, test.address, test.err, got, test.want)
		}
	}
}

// host is a machine by the rules of a system: who listens where, and what may be had
// beside it.
type host struct {
	taken   []string // HOST:PORT, *:PORT for all addresses
	missing []string // addresses that it has not
	asked   []string
}

func (h *host) listensOn(address string) bool {
	_, port, _ := net.SplitHostPort(address)
	for _, t := range h.taken {
		if t == address || t == "*:"+port {
			return true
		}
	}
	return false
}

// network are the rules of the BSDs with SO_REUSEADDR: only an equal address is in use.
func (h *host) network(system string) network {
	return network{
		system: system,
		listen: func(_, address string) (net.Listener, error) {
			fail := func(number syscall.Errno) (net.Listener, error) {
				return nil, &net.OpError{Op: "listen", Net: "tcp", Err: os.NewSyscallError("bind", number)}
			}
			host, _, _ := net.SplitHostPort(address)
			for _, m := range h.missing {
				if m == host {
					return fail(syscall.EADDRNOTAVAIL)
				}
			}
			for _, t := range h.taken {
				if t == address {
					return fail(syscall.EADDRINUSE)
				}
			}
			at, err := net.ResolveTCPAddr("tcp", address)
			return fakeListener{at}, err
		},
		dial: func(_, address string, limit time.Duration) (net.Conn, error) {
			h.asked = append(h.asked, address)
			if limit <= 0 {
				return nil, errors.New("without a limit")
			}
			if !h.listensOn(address) {
				return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
			}
			conn, other := net.Pipe()
			return conn, other.Close()
		},
	}
}

type fakeListener struct{ at net.Addr }

func (l fakeListener) Accept() (net.Conn, error) { return nil, net.ErrClosed }
func (l fakeListener) Close() error              { return nil }
func (l fakeListener) Addr() net.Addr            { return l.at }

// A port that another program has on all addresses is not taken from it: its clients on this
// machine would reach us.
func TestShadowedPort(t *testing.T) {
	for _, test := range []struct {
		name, system, address string
		host                  host
		want                  string // of the error, or the address
	}{
		{"all addresses", "darwin", "localhost:5432", host{taken: []string{"*:5432"}}, `127.0.0.1:5432 is in use ("lsof -nP -iTCP:5432 -sTCP:LISTEN" tells by what)`},
		{"on Windows", "windows", "127.0.0.1:5432", host{taken: []string{"*:5432"}}, `127.0.0.1:5432 is in use ("netstat -ano -p tcp | findstr :5432" tells by what)`},
		{"the same address", "freebsd", "127.0.0.1:5432", host{taken: []string{"127.0.0.1:5432"}}, `127.0.0.1:5432 is in use ("lsof -nP -iTCP:5432 -sTCP:LISTEN" tells by what)`},
		{"IPv6 alone", "darwin", ":5432", host{taken: []string{"[::1]:5432"}}, `[::1]:5432 is in use ("lsof -nP -iTCP:5432 -sTCP:LISTEN" tells by what)`},
		{"another port", "darwin", "localhost:5432", host{taken: []string{"*:5433"}}, "127.0.0.1:5432"},
		{"no alias", "darwin", "127.0.0.2:5432", host{missing: []string{"127.0.0.2"}}, "cannot listen on 127.0.0.2:5432: cannot assign requested address; this system has 127.0.0.1 only until it is told: sudo ifconfig lo0 alias 127.0.0.2 up"},
		{"no IPv6", "linux", "localhost:5432", host{missing: []string{"::1"}}, "127.0.0.1:5432"},
		{"IPv6 only", "linux", "localhost:5432", host{missing: []string{"127.0.0.1"}}, "[::1]:5432"},
		{"no loopback", "linux", "localhost:5432", host{missing: []string{"127.0.0.1", "::1"}}, "cannot listen on 127.0.0.1:5432: cannot assign requested address"},
	} {
		d, err := openOn(test.host.network(test.system), test.address, Options{})
		got := ""
		if err == nil {
			got = d.String()
			d.Close()
		} else {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
		if test.system == "linux" && len(test.host.asked) > 0 {
			t.Errorf("%s: connections to %q", test.name, test.host.asked)
		}
	}
}

// Any free port is one that nobody listens on; nobody is asked for it.
func TestFreePortIsNotAsked(t *testing.T) {
	h := &host{taken: []string{"*:0"}}
	d, err := openOn(h.network("darwin"), "127.0.0.1:0", Options{})
	if err != nil || len(h.asked) > 0 {
		t.Fatalf("%v, asked %q", err, h.asked)
	}
	d.Close()
}

func TestListen(t *testing.T) {
	l, err := Listen("localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = Listen(l.Addr().String())
	var taken *InUseError
	if !errors.As(err, &taken) || !strings.HasPrefix(err.Error(), l.Addr().String()+" is in use") {
		t.Errorf("%v", err)
	}
}

// TestReachable: a socket stands where clients can connect to it, by the rules of each system.
func TestReachable(t *testing.T) {
	for system, longest := range map[string]int{"linux": 107, "windows": 107, "darwin": 103, "freebsd": 103} {
		fits := "/" + strings.Repeat("s", longest-1)
		if err := reachable(fits, system); err != nil {
			t.Errorf("%s, %d bytes: %v", system, longest, err)
		}
		if err := reachable(fits+"s", system); err == nil || !strings.Contains(err.Error(), "give a shorter one") {
			t.Errorf("%s, %d bytes: %v", system, longest+1, err)
		}
	}
	// What the system of this machine says itself.
	if system := runtime.GOOS; system == "linux" {
		dir := t.TempDir()
		path := filepath.Join(dir, strings.Repeat("s", longestSocket(system)-len(dir)-1))
		l, err := net.Listen("unix", path)
		if err != nil {
			t.Fatalf("%d bytes: %v", len(path), err)
		}
		l.Close()
	}
	path := filepath.Join(t.TempDir(), strings.Repeat("s", longestSocket(runtime.GOOS)))
	if _, err := Open("unix:"+path, Options{}); err == nil || !strings.Contains(err.Error(), "clients cannot connect") {
		t.Errorf("opened: %v", err)
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}
