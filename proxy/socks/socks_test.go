package socks

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"
)

// client plays a client of a protocol: it sends its bytes, and returns the request, and what it
// has got when the server has done with it what then does.
func client(t *testing.T, protocol Protocol, sent string, then func(*Request) error) (got string, r *Request, err error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ours, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	theirs, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	theirs.SetDeadline(time.Now().Add(time.Minute)) //nolint:errcheck // the read fails then
	answer := make(chan string, 1)
	go func() {
		io.WriteString(ours, sent)       //nolint:errcheck // the answer is compared
		ours.(*net.TCPConn).CloseWrite() //nolint:errcheck // likewise
		b, _ := io.ReadAll(ours)         //nolint:errcheck // likewise
		answer <- string(b)
	}()
	r, err = protocol(theirs)
	if err == nil {
		err = then(r)
	}
	theirs.Close()
	return <-answer, r, err
}

const hello = "\x05\x02\x02\x00" // methods: login, none

func TestSOCKS5(t *testing.T) {
	for name, tc := range map[string]struct {
		sent, address, got, wrong string
	}{
		"a name":            {hello + "\x05\x01\x00\x03\x0bdb.internal\x15\x38", "db.internal:5432", "\x05\x00\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00", ""},
		"an address":        {hello + "\x05\x01\x00\x01\x0a\x00\x00\x07\x00\x16", "10.0.0.7:22", "\x05\x00\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00", ""},
		"an IPv6 address":   {hello + "\x05\x01\x00\x04\xfd\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x01\xbb", "[fd00::1]:443", "\x05\x00\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00", ""},
		"IPv4 in IPv6":      {hello + "\x05\x01\x00\x04" + strings.Repeat("\x00", 10) + "\xff\xff\x7f\x00\x00\x01\x01\xbb", "127.0.0.1:443", "\x05\x00\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00", ""},
		"IPv6 as a name":    {hello + "\x05\x01\x00\x03\x0d[2001:db8::1]\x01\xbb", "[2001:db8::1]:443", "\x05\x00\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00", ""},
		"IPv4 in such one":  {hello + "\x05\x01\x00\x03\x12[::ffff:127.0.0.1]\x01\xbb", "127.0.0.1:443", "\x05\x00\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00", ""},
		"BIND":              {hello + "\x05\x02\x00\x01\x0a\x00\x00\x07\x00\x16", "", "\x05\x00\x05\x07\x00\x01\x00\x00\x00\x00\x00\x00", "SOCKS command 2"},
		"UDP":               {hello + "\x05\x03\x00\x01\x00\x00\x00\x00\x00\x00", "", "\x05\x00\x05\x07\x00\x01\x00\x00\x00\x00\x00\x00", "SOCKS command 3"},
		"another address":   {hello + "\x05\x01\x00\x02\x0a\x00\x00\x07\x00\x16", "", "\x05\x00\x05\x08\x00\x01\x00\x00\x00\x00\x00\x00", "an address of form 2"},
		"port 0":            {hello + "\x05\x01\x00\x01\x0a\x00\x00\x07\x00\x00", "", "\x05\x00\x05\x01\x00\x01\x00\x00\x00\x00\x00\x00", "port 0"},
		"another version":   {hello + "\x04\x01\x00\x01\x0a\x00\x00\x07\x00\x16", "", "\x05\x00\x05\x01\x00\x01\x00\x00\x00\x00\x00\x00", "a request of SOCKS version 4"},
		"a login":           {"\x05\x01\x02", "", "\x05\xff", "insists on a login"},
		"SOCKS 4":           {"\x04\x01\x00\x16\x0a\x00\x00\x07\x00", "", "\x00\x5b\x00\x00\x00\x00\x00\x00", "SOCKS version 4"},
		"HTTP":              {"CONNECT a:1 HTTP/1.1\r\n\r\n", "", "", "HTTP on the port for SOCKS5"},
		"something else":    {"\x00\x00", "", "", "the first byte is 0"},
		"an end too early":  {hello + "\x05\x01\x00\x03\x0bdb.in", "", "\x05\x00", ""},
		"no byte":           {"", "", "", ""},
		"what comes behind": {hello + "\x05\x01\x00\x01\x0a\x00\x00\x07\x00\x16first words", "10.0.0.7:22", "\x05\x00\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00first words", ""},
	} {
		t.Run(name, func(t *testing.T) { tries(t, SOCKS5, tc.sent, tc.address, tc.got, tc.wrong) })
	}
	for why, code := range map[Reply]byte{Failed: 1, NotAllowed: 2, Unreachable: 4, Refused: 5, TimedOut: 6} {
		got, _, err := client(t, SOCKS5, hello+"\x05\x01\x00\x01\x0a\x00\x00\x07\x00\x16", func(r *Request) error { return r.Refuse(why, "no") })
		if want := string([]byte{5, 0, 5, code, 0, 1, 0, 0, 0, 0, 0, 0}); got != want || err != nil {
			t.Errorf("reply %d: %q, %v", why, got, err)
		}
	}
}

// tries sends what a client sends; an accepted one gets back what it sends behind its request.
func tries(t *testing.T, protocol Protocol, sent, address, want, wrong string) {
	t.Helper()
	got, r, err := client(t, protocol, sent, func(r *Request) error {
		conn, err := r.Accept()
		if err == nil {
			_, err = io.Copy(conn, conn)
		}
		return err
	})
	var told *ProtocolError
	switch {
	case address != "" && (err != nil || r.Address() != address):
		t.Errorf("%v, %v, want %s", r, err, address)
	case address == "" && err == nil:
		t.Error("it is served")
	case (wrong != "") != errors.As(err, &told) || told != nil && !strings.Contains(told.Error(), wrong):
		t.Errorf("%v, want %q", err, wrong)
	case got != want:
		t.Errorf("the client got %q, want %q", got, want)
	}
}

func TestCONNECT(t *testing.T) {
	const ok = "HTTP/1.1 200 Connection established\r\n\r\n"
	refusal := func(status, allow, text string) string {
		return "HTTP/1.1 " + status + "\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: " + strconv.Itoa(len(text)+1) + "\r\n" + allow + "Connection: close\r\n\r\n" + text + "\n"
	}
	for name, tc := range map[string]struct {
		sent, address, got, wrong string
	}{
		"a name":          {"CONNECT db.internal:5432 HTTP/1.1\r\nHost: db.internal:5432\r\nUser-Agent: x\r\n\r\n", "db.internal:5432", ok, ""},
		"an IPv6 address": {"CONNECT [fd00::1]:443 HTTP/1.0\r\n\r\n", "[fd00::1]:443", ok, ""},
		"early words":     {"CONNECT a:1 HTTP/1.1\r\n\r\nfirst words", "a:1", ok + "first words", ""},
		"GET": {"GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", "",
			refusal("405 Method Not Allowed", "Allow: CONNECT\r\n", "HTTP's GET; this proxy takes CONNECT alone (curl: --proxytunnel), or open a port with --socks"), "HTTP's GET"},
		"no port":     {"CONNECT a HTTP/1.1\r\n\r\n", "", refusal("400 Bad Request", "", "CONNECT without HOST:PORT"), "without HOST:PORT"},
		"port 70000":  {"CONNECT a:70000 HTTP/1.1\r\n\r\n", "", refusal("400 Bad Request", "", "CONNECT without HOST:PORT"), "without HOST:PORT"},
		"a long head": {"CONNECT a:1 HTTP/1.1\r\nX: " + strings.Repeat("x", maxHead) + "\r\n\r\n", "", refusal("400 Bad Request", "", "a head of more than 16384 bytes"), "a head of more"},
		"SOCKS":       {hello + "\x05\x01\x00\x01\x0a\x00\x00\x07\x00\x16\r\n\r\n", "", refusal("400 Bad Request", "", "no request of HTTP"), "no request of HTTP"},
		"no byte":     {"", "", "", ""},
	} {
		t.Run(name, func(t *testing.T) { tries(t, CONNECT, tc.sent, tc.address, tc.got, tc.wrong) })
	}
	for why, status := range map[Reply]string{Failed: "503 Service Unavailable", NotAllowed: "403 Forbidden", Unreachable: "502 Bad Gateway", Refused: "502 Bad Gateway", TimedOut: "504 Gateway Timeout"} {
		got, _, err := client(t, CONNECT, "CONNECT a:1 HTTP/1.1\r\n\r\n", func(r *Request) error { return r.Refuse(why, "why") })
		if want := refusal(status, "", "why"); got != want || err != nil {
			t.Errorf("reply %d: %q, %v", why, got, err)
		}
	}
}

// A client may send anything, in any pieces: each protocol ends, and asks for a host and a port or
// says why not.
func FuzzProtocols(f *testing.F) {
	f.Add([]byte(hello + "\x05\x01\x00\x03\x0bdb.internal\x15\x38"))
	f.Add([]byte("CONNECT db.internal:5432 HTTP/1.1\r\n\r\n"))
	f.Fuzz(func(t *testing.T, sent []byte) {
		for _, protocol := range []Protocol{SOCKS5, CONNECT} {
			conn := &scripted{in: bytes.NewReader(sent)}
			r, err := protocol(conn)
			switch {
			case (r == nil) == (err == nil):
				t.Errorf("%v, %v", r, err)
			case r != nil && (r.Host == "" && protocolIsHTTP(sent) || r.Port < 1 || r.Port > 65535):
				t.Errorf("host %q, port %d", r.Host, r.Port)
			case r == nil && !conn.closed:
				t.Error("the connection of a client without a request is still open")
			}
		}
	})
}

func protocolIsHTTP(sent []byte) bool { return bytes.HasPrefix(sent, []byte("CONNECT")) }

// scripted is a connection whose client has sent everything.
type scripted struct {
	net.Conn
	in     *bytes.Reader
	closed bool
}

func (s *scripted) Read(b []byte) (int, error)  { return s.in.Read(b) }
func (s *scripted) Write(b []byte) (int, error) { return len(b), nil }
func (s *scripted) Close() error                { s.closed = true; return nil }
