package nettext

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"regexp"
	"syscall"
	"testing"
)

func TestOf(t *testing.T) {
	at := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 443}
	op := func(name string, err error) error {
		return &net.OpError{Op: name, Net: "tcp", Source: at, Addr: at, Err: err}
	}
	missing := &net.DNSError{Err: "no such host", Name: "ssm.us-esat-1.amazonaws.com", Server: "192.0.2.53:53", IsNotFound: true}
	for _, test := range []struct {
		err  error
		want string
	}{
		{errors.New("no target"), "no target"},
		{op("dial", os.NewSyscallError("connect", syscall.ECONNREFUSED)), "the connection to 192.0.2.1:443 was refused"},
		{op("dial", os.NewSyscallError("connect", syscall.ENETUNREACH)), "no connection to 192.0.2.1:443: network is unreachable"},
		{op("dial", os.ErrDeadlineExceeded), "no connection to 192.0.2.1:443 in time"},
		{op("listen", os.NewSyscallError("bind", syscall.EADDRINUSE)), "192.0.2.1:443 cannot be opened: address already in use"},
		{op("read", os.NewSyscallError("read", syscall.ECONNRESET)), "the connection was closed by the other side"},
		{op("write", os.NewSyscallError("write", syscall.EPIPE)), "the connection was closed by the other side"},
		{op("read", os.ErrDeadlineExceeded), "no answer in time"},
		{op("read", net.ErrClosed), "the connection is closed"},
		{op("read", os.NewSyscallError("read", syscall.EIO)), "the connection failed: input/output error"},
		{&net.OpError{Op: "dial", Net: "tcp", Err: missing}, "there is no host ssm.us-esat-1.amazonaws.com"},
		{&net.DNSError{Err: "i/o timeout", Name: "db", IsTimeout: true}, "the name db could not be looked up: the name server did not answer"},
		{&net.DNSError{Err: "server misbehaving", Name: "db"}, "the name db could not be looked up: server misbehaving"},
		{&url.Error{Op: "Get", URL: "https://ssm", Err: &net.OpError{Op: "dial", Net: "tcp", Err: missing}}, "there is no host ssm.us-esat-1.amazonaws.com"},
		{fmt.Errorf("sts: %w", context.DeadlineExceeded), "sts: no answer in time"},
		{fmt.Errorf("a: %w", errors.Join(errors.New("b"), op("read", io.EOF))), "a: b\nthe connection was closed by the other side"},
	} {
		if got := Of(test.err); got != test.want {
			t.Errorf("%v: %q, want %q", test.err, got, test.want)
		}
		if raw := regexp.MustCompile(`(read|dial|write) tcp|context deadline|no such host|Get "`); raw.MatchString(Of(test.err)) {
			t.Errorf("%q", Of(test.err))
		}
		if got := Plain(test.err); got.Error() != OfConnection(test.err) || !errors.Is(got, test.err) {
			t.Errorf("%v: plain %v", test.err, got)
		}
	}
	if got := OfConnection(fmt.Errorf("lost: %w", io.EOF)); got != "lost: the connection was closed by the other side" {
		t.Error(got)
	}
	if Of(nil) != "" || Plain(nil) != nil {
		t.Error("no error has a text")
	}
}

// The words are those of errors as they come from the system.
func TestOfRefusedConnection(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	_, err = net.Dial("tcp", address)
	if err == nil {
		t.Skip("another process has taken the port")
	}
	if got := Of(err); got != "the connection to "+address+" was refused" {
		t.Errorf("%v: %q", err, got)
	}
}
