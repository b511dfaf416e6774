package tunnel

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"ssmguard/internal/sandbox/gateway"
	"ssmguard/internal/sandbox/sandboxtest"
	"ssmguard/internal/sandbox/world"
	"ssmguard/proxy"
)

// askSOCKS asks a SOCKS5 proxy for a connection to a name, and returns the code of its reply.
func askSOCKS(t *testing.T, proxyAt, host string, port int) (net.Conn, byte) {
	t.Helper()
	conn, err := net.Dial("tcp", proxyAt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(longest)) //nolint:errcheck // the read fails then
	ask := append([]byte{5, 1, 0, 5, 1, 0, 3, byte(len(host))}, host...)
	if _, err := conn.Write(append(ask, byte(port>>8), byte(port))); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 12)
	if _, err := io.ReadFull(conn, answer); err != nil {
		t.Fatalf("%s:%d: %v", host, port, err)
	}
	return conn, answer[3]
}

// A proxy opens a session for each destination that is asked for, once; it ends when it is
// idle. What the rules or the far side refuse is told in the protocol, and said.
func TestProxy(t *testing.T) {
	s := sandboxtest.Served(t, "seed2-fixed")
	k := keepTunnel(t, inSandbox(t, s), "--target", "bastion-db-maintenance", "--socks", "0", "--http-proxy", "0", "--idle", "1s", "--to", "*.internal:*")
	tun := k.ts[0]
	ready := k.await(t, proxy.Ready)
	if st := tun.status(); st.SOCKS != ready.Listen || st.HTTPProxy == "" || st.State != proxy.Ready || st.Sessions != 0 {
		t.Fatalf("ready on %s: %+v", ready.Listen, st)
	}
	greeted := func(conn net.Conn) *bufio.Reader {
		t.Helper()
		from := bufio.NewReader(conn)
		if _, err := from.ReadString('\n'); err != nil {
			t.Fatalf("no greeting: %v", err)
		}
		return from
	}
	first, code := askSOCKS(t, ready.Listen, "db.internal", 3306)
	if code != 0 {
		t.Fatalf("reply %d", code)
	}
	firstFrom := greeted(first)
	second, code := askSOCKS(t, ready.Listen, "DB.internal.", 3306)
	if code != 0 {
		t.Fatalf("reply %d", code)
	}
	echoes(t, second, greeted(second), "hello")

	// The other protocol has the same session.
	status := tun.status()
	third, err := net.Dial("tcp", status.HTTPProxy)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { third.Close() })
	fmt.Fprintf(third, "CONNECT db.internal:3306 HTTP/1.1\r\nHost: db.internal:3306\r\n\r\n")
	from := bufio.NewReader(third)
	answer, err := http.ReadResponse(from, &http.Request{Method: http.MethodConnect})
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%v, %v", answer, err)
	}
	if _, err := from.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	echoes(t, third, from, "by HTTP")
	if status = tun.status(); status.Sessions != 1 || status.Open != 3 || status.Destinations != 1 {
		t.Errorf("one destination: %+v", status)
	}

	// A lost link loses no connection.
	for _, st := range s.Gateway.Sessions() {
		if session, ok := s.Gateway.Session(st.ID); ok {
			session.Cut(gateway.CutRST)
		}
	}
	echoes(t, first, firstFrom, "after the cut")

	for _, refused := range []struct {
		host string
		port int
		code byte
		said string
	}{
		{"db.internal", 1, 5, "db.internal:1 is refused: the target could not connect"},
		{"db.example.com", 3306, 2, "db.example.com:3306 is refused: no rule of --to"},
		{"localhost", 22, 2, "localhost:22 is refused: it is the target itself"},
		{"169.254.169.254", 80, 2, "169.254.169.254:80 is refused: credentials are served there"},
	} {
		if _, code := askSOCKS(t, ready.Listen, refused.host, refused.port); code != refused.code {
			t.Errorf("%s: reply %d, want %d", refused.host, code, refused.code)
		}
		for e := range k.heard {
			if strings.HasPrefix(e.Note, refused.said) {
				break
			}
		}
	}
	// A session that is ended from outside is said, and another comes with the next client.
	for _, st := range s.Gateway.Sessions() {
		if session, ok := s.Gateway.Session(st.ID); ok {
			session.Finish("idle for too long")
		}
	}
	for e := range k.heard {
		if strings.HasPrefix(e.Note, "db.internal:3306 has lost its session, and its connections were reset: ") {
			break
		}
	}
	if _, err := firstFrom.ReadByte(); err == nil {
		t.Error("the connection outlived its session")
	}
	for _, conn := range []net.Conn{first, second, third} {
		conn.Close()
	}
	for deadline := time.Now().Add(longest); tun.status().Destinations > 0; {
		if time.Now().After(deadline) {
			t.Fatalf("still %+v", tun.status())
		}
		<-time.After(10 * time.Millisecond)
	}
	if again, code := askSOCKS(t, ready.Listen, "db.internal", 3306); code != 0 {
		t.Errorf("after the sessions were idle: reply %d", code)
	} else {
		greeted(again)
	}
	if err := k.stop(); err != nil {
		t.Error(err)
	}
	noneLeft(t, s)
	noGoroutine(t, "internal/dynamic.")
}

// While AWS throttles StartSession clients wait.
func TestProxyWaitsForAWS(t *testing.T) {
	s := sandboxtest.Served(t, "seed2-fixed")
	p := inSandbox(t, s)
	p.Environ = append(p.Environ, "AWS_MAX_ATTEMPTS=1")
	k := keepTunnel(t, p, "--target", "bastion-db-maintenance", "--socks", "0")
	ready := k.await(t, proxy.Ready)
	s.Account.Inject(world.Fault{Operation: "ssm:StartSession", Call: 1, Kind: world.Throttle}, world.Fault{Operation: "ssm:StartSession", Call: 2, Kind: world.Throttle})
	if conn, code := askSOCKS(t, ready.Listen, "db.internal", 3306); code != 0 {
		t.Errorf("throttled: reply %d", code)
	} else if _, err := bufio.NewReader(conn).ReadString('\n'); err != nil {
		t.Errorf("throttled: %v", err)
	}
	for e := range k.heard {
		if strings.HasPrefix(e.Note, "db.internal:3306 has no session yet, trying again: ") {
			break
		}
	}
	if err := k.stop(); err != nil {
		t.Error(err)
	}
}
