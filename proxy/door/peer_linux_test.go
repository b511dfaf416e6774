package door

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"

	"ssmguard/internal/peer"
	"ssmguard/internal/peer/peertest"
)

// Another user's connection is reset, told and counted, unless all users are admitted.
func TestOtherUsers(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "[::1]:0", "0.0.0.0:0"} {
		t.Run(address, func(t *testing.T) {
			if strings.HasPrefix(address, "[") && !hasIPv6(t) {
				t.Skip("no IPv6")
			}
			told := make(chan error, 10)
			d, err := Open(address, Options{Remote: true, Peer: func(err error) { told <- err }})
			if err != nil {
				t.Fatal(err)
			}
			echo(t, d)
			_, port, _ := net.SplitHostPort(d.String())
			host, _, _ := net.SplitHostPort(address)
			near := net.JoinHostPort(strings.Replace(host, "0.0.0.0", "127.0.0.1", 1), port)
			for n := 1; n <= 2; n++ {
				if heard, err := peertest.Talk(t, "tcp", near, "hello"); heard != "" || err == nil || !strings.Contains(err.Error(), "reset") {
					t.Fatalf("heard %q, %v", heard, err)
				}
				var foreign *peer.ForeignError
				if err := <-told; !errors.As(err, &foreign) || foreign.UID != peertest.Nobody {
					t.Errorf("told %v", err)
				}
				if d.Refused() != n {
					t.Errorf("counted %d, want %d", d.Refused(), n)
				}
			}
			conn, err := net.Dial("tcp", near)
			say(t, conn, err)
		})
	}
	t.Run("any", func(t *testing.T) {
		d, err := Open("", Options{AnyPeer: true, Peer: func(err error) { t.Errorf("told %v", err) }})
		if err != nil {
			t.Fatal(err)
		}
		echo(t, d)
		if heard, err := peertest.Talk(t, "tcp", d.String(), "hello"); heard != "hello" || err != nil {
			t.Errorf("heard %q, %v", heard, err)
		}
	})
}

// What another user has written is not carried when its process has ended before the
// connection was accepted.
func TestOtherUserWhoLeft(t *testing.T) {
	told := make(chan error, 1)
	d, err := Open("127.0.0.1:0", Options{Peer: func(err error) { told <- err }})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	waiting, err := net.Dial("tcp", d.String()) // accepted, and in the way of the next one
	if err != nil {
		t.Fatal(err)
	}
	defer waiting.Close()
	peertest.Leave(t, "tcp", d.String(), "hello")
	first, err := d.Accept()
	if err != nil {
		t.Fatal(err)
	}
	first.Close()
	taken := make(chan net.Conn, 1)
	go func() {
		if conn, err := d.Accept(); err == nil {
			taken <- conn
		}
	}()
	select {
	case err := <-told:
		if !errors.Is(err, peer.ErrGone) || d.Refused() != 1 {
			t.Errorf("told %v, %d refused", err, d.Refused())
		}
	case conn := <-taken:
		text, _ := io.ReadAll(conn)
		t.Errorf("carried %q", text)
	}
}

// Connections whose user the system does not tell are admitted, and that is told once.
func TestUnknownUsers(t *testing.T) {
	var told []error
	d := &Door{options: Options{Peer: func(err error) { told = append(told, err) }}}
	for range 3 {
		a, b := net.Pipe()
		defer a.Close()
		defer b.Close()
		if !d.admits(a) {
			t.Error("refused")
		}
	}
	if len(told) != 1 || !errors.Is(told[0], peer.ErrUnknown) || d.Refused() != 0 {
		t.Errorf("told %v, %d refused", told, d.Refused())
	}
}

// A connection of ours, with and without the question whose it is.
func BenchmarkConnection(b *testing.B) {
	for name, opt := range map[string]Options{"own": {}, "any": {AnyPeer: true}} {
		b.Run(name, func(b *testing.B) {
			d, err := Open("127.0.0.1:0", opt)
			if err != nil {
				b.Fatal(err)
			}
			defer d.Close()
			for b.Loop() {
				client, err := net.Dial("tcp", d.String())
				if err != nil {
					b.Fatal(err)
				}
				server, err := d.Accept()
				if err != nil {
					b.Fatal(err)
				}
				client.(*net.TCPConn).SetLinger(0) //nolint:errcheck // no port is to be left in TIME_WAIT
				client.Close()
				server.Close()
			}
		})
	}
}

// The socket of a tunnel is for its owner: others cannot even connect.
func TestSocketOfAnotherUser(t *testing.T) {
	dir := t.TempDir()
	for at := dir; at != os.TempDir(); at = at[:strings.LastIndexByte(at, '/')] {
		if err := os.Chmod(at, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	d, err := Open("unix:"+dir+"/s", Options{})
	if err != nil {
		t.Fatal(err)
	}
	echo(t, d)
	if heard, err := peertest.Talk(t, "unix", dir+"/s", "hello"); heard != "" || err == nil || !strings.Contains(err.Error(), "permission denied") {
		t.Errorf("heard %q, %v", heard, err)
	}
	// With another mode the credentials of the connection are looked at.
	if err := os.Chmod(dir+"/s", 0o666); err != nil {
		t.Fatal(err)
	}
	if heard, err := peertest.Talk(t, "unix", dir+"/s", "hello"); heard != "" || d.Refused() != 1 {
		t.Errorf("heard %q, %v, %d refused", heard, err, d.Refused())
	}
}
