package tunnel

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ssmguard/cmd/internal/awscli"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/trust"
	"ssmguard/configs"
	"ssmguard/internal/sandbox"
	"ssmguard/internal/sandbox/gateway"
	"ssmguard/internal/sandbox/sandboxtest"
	"ssmguard/proxy"
)

// heard collects events and lets one reader wait for them.
type heard chan proxy.Event

func (t heard) Event(e proxy.Event) error {
	t <- e
	return nil
}

// longest is the time limit of every wait; a busy machine may need nearly all of it.
const longest = 2 * time.Minute

// await returns the next event of a state.
func (t heard) await(tb testing.TB, s proxy.State) proxy.Event {
	tb.Helper()
	deadline := time.After(longest)
	for {
		select {
		case e := <-t:
			if e.State == s && e.Note == "" {
				return e
			}
		case <-deadline:
			tb.Fatalf("no %v within %v", s, longest)
		}
	}
}

// inSandbox is a process whose environment leads to a sandbox.
func inSandbox(t *testing.T, s *sandbox.Sandbox) *env.Process {
	t.Helper()
	login, err := s.Login("")
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	p := &env.Process{Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: io.Discard, Environ: []string{"HOME=" + home}}
	for _, v := range s.Environment(login) {
		p.Environ = append(p.Environ, v.Name+"="+v.Value)
	}
	t.Chdir(home)
	return p
}

// openedTunnels opens what the options of `up` describe; the caller closes it.
func openedTunnels(t *testing.T, p *env.Process, words ...string) tunnels {
	t.Helper()
	o, err := verbs[0].parse(words, p.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	ts, err := openTunnels(t.Context(), p, o)
	if err != nil {
		t.Fatal(err)
	}
	return ts
}

// kept opens the tunnel that options describe and keeps it until the test ends.
type kept struct {
	heard
	ts   tunnels
	stop func() error
}

func keepTunnel(t *testing.T, p *env.Process, words ...string) *kept {
	t.Helper()
	k := &kept{heard: make(heard, 1000), ts: openedTunnels(t, p, words...)}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- k.ts.keep(ctx, k.heard) }()
	k.stop = func() error {
		cancel()
		err := <-ended
		k.ts.close()
		if errors.Is(err, context.Canceled) {
			return nil
		}
		return err
	}
	return k
}

// dial connects to where the tunnel is ready and reads the greeting.
func (k *kept) dial(t *testing.T, address string) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(longest)); err != nil {
		t.Fatal(err)
	}
	from := bufio.NewReader(conn)
	if _, err := from.ReadString('\n'); err != nil {
		t.Fatalf("no greeting: %v", err)
	}
	return conn, from
}

func echoes(t *testing.T, conn net.Conn, from *bufio.Reader, line string) {
	t.Helper()
	if _, err := fmt.Fprintln(conn, line); err != nil {
		t.Fatal(err)
	}
	if got, err := from.ReadString('\n'); got != line+"\n" || err != nil {
		t.Fatalf("sent %q, got %q, %v", line, got, err)
	}
}

var toDatabase = []string{"--target", "bastion-db-maintenance", "--host", "db.internal", "--port", "3306"}

// A connection in the tunnel does not notice a cut; a session that has gone is
// replaced behind the same port; nothing is left at the end.
func TestTunnelSurvives(t *testing.T) {
	s := sandboxtest.Served(t, "seed2-fixed")
	p := inSandbox(t, s)
	k := keepTunnel(t, p, append(toDatabase, "--wait")...)
	ready := k.await(t, proxy.Ready)
	conn, from := k.dial(t, ready.Listen)
	echoes(t, conn, from, "before")

	session, ok := s.Gateway.Session(ready.Session)
	if !ok {
		t.Fatalf("no session %s", ready.Session)
	}
	session.Cut(gateway.CutRST)
	if lost := k.await(t, proxy.Lost); lost.Session != ready.Session || lost.Err == nil {
		t.Errorf("lost %q: %v", lost.Session, lost.Err)
	}
	if again := k.await(t, proxy.Ready); again.Session != ready.Session || again.Listen != ready.Listen {
		t.Errorf("resumed %s on %s, want %s on %s", again.Session, again.Listen, ready.Session, ready.Listen)
	}
	echoes(t, conn, from, "after the cut")
	if c := k.ts[0].traffic.Counts(); c.Resumed != 1 || c.Sessions != 1 || c.Open != 1 {
		t.Errorf("counts %+v", c)
	}

	session.Finish("idle for too long")
	second := k.await(t, proxy.Ready)
	if second.Session == ready.Session || second.Listen != ready.Listen {
		t.Errorf("second session %s on %s", second.Session, second.Listen)
	}
	if _, err := from.ReadByte(); err == nil {
		t.Error("the connection outlived its session")
	}
	conn, from = k.dial(t, ready.Listen)
	echoes(t, conn, from, "after the end")

	if err := k.stop(); err != nil {
		t.Error(err)
	}
	k.await(t, proxy.Stopped)
	noneLeft(t, s)
	for _, ours := range []string{"proxy/channel.", "proxy/door.", "proxy.(*run)", "cli.tunnels", "cli.(*tunnel)", "cli.(*renewing)"} {
		noGoroutine(t, ours)
	}
}

// noGoroutine waits until no goroutine runs a package's or type's code. Their
// owners wait for them, but what a test before has closed may still be on its way.
func noGoroutine(t *testing.T, ours string) {
	t.Helper()
	stacks := make([]byte, 1<<20)
	for deadline := time.Now().Add(longest); ; runtime.Gosched() {
		now := stacks[:runtime.Stack(stacks, true)]
		if !bytes.Contains(now, []byte(ours)) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("a goroutine of %s is left:\n%s", ours, now)
		}
	}
}

// noneLeft waits until every session has ended: the gateway is told to end one
// before its agent has.
func noneLeft(t *testing.T, s *sandbox.Sandbox) {
	t.Helper()
	late := time.After(longest)
	for _, status := range s.Gateway.Sessions() {
		session, ok := s.Gateway.Session(status.ID)
		if !ok {
			continue
		}
		select {
		case <-session.Done():
		case <-late:
			t.Errorf("session left: %s", status.ID)
		}
	}
}

// openSessions returns the sessions that have not ended.
func openSessions(s *sandbox.Sandbox) (ids []string) {
	for _, status := range s.Gateway.Sessions() {
		if session, ok := s.Gateway.Session(status.ID); ok {
			select {
			case <-session.Done():
			default:
				ids = append(ids, status.ID)
			}
		}
	}
	return ids
}

// A right that is taken away while the tunnel is open ends it, with the reason.
func TestTunnelGivesUpWhenRefused(t *testing.T) {
	s := sandboxtest.Served(t, "seed2-fixed")
	p := inSandbox(t, s)
	var said strings.Builder
	p.Stderr = &said
	k := keepTunnel(t, p, toDatabase...)
	ready := k.await(t, proxy.Ready)
	if err := s.Account.PutInline("role/dev", "ssm", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"ssm:DescribeSessions","Resource":"*"}}`); err != nil {
		t.Fatal(err)
	}
	session, _ := s.Gateway.Session(ready.Session)
	session.Finish("")
	if e := k.await(t, proxy.GaveUp); !exit.As[*proxy.Refused](e.Err) {
		t.Errorf("gave up for %v", e.Err)
	}
	if err := k.stop(); exit.Code(err) != exit.Refused {
		t.Errorf("ended with %v", err)
	}
	if text := said.String(); !strings.Contains(text, "AccessDeniedException") || !strings.Contains(text, "[SG") {
		t.Errorf("said:\n%s", text)
	}
}

// Lanes are sessions side by side; the tunnel is ready once, and while one is.
func TestLanes(t *testing.T) {
	s := sandboxtest.Served(t, "seed2-fixed")
	k := keepTunnel(t, inSandbox(t, s), append(toDatabase, "--lanes", "3")...)
	ready := k.await(t, proxy.Ready)
	for deadline := time.Now().Add(longest); k.ts[0].traffic.Counts().Sessions < 3; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%+v", k.ts[0].traffic.Counts())
		}
	}
	used := func() (n int) {
		for _, id := range openSessions(s) {
			session, _ := s.Gateway.Session(id)
			if session.Status().Streams > 0 {
				n++
			}
		}
		return n
	}
	// A lane whose session is open may take connections only a moment later.
	for i, deadline := 0, time.Now().Add(longest); i < 6 || used() < 3 && time.Now().Before(deadline); i++ {
		conn, from := k.dial(t, ready.Listen)
		echoes(t, conn, from, fmt.Sprint("connection ", i))
	}
	if n := used(); n != 3 {
		t.Errorf("%d of 3 lanes are used", n)
	}
	if err := k.stop(); err != nil {
		t.Error(err)
	}
	for len(k.heard) > 0 {
		if e := <-k.heard; e.State != proxy.Stopped {
			t.Errorf("%v after it was ready: %v", e.State, e.Err)
		}
	}
}

func TestTunnelOptionsOverConfiguration(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	text := "defaults: {region: eu-west-1, lanes: 2}\ntunnels:\n  a: {target: t, host: h, port: 1, local_port: 7, engine: plugin}\n  b: {target: t, port: 2}\ngroups: {all: [a, b], none: []}\n"
	if err := os.WriteFile(filepath.Join(dir, configs.ProjectFile), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := &env.Process{Environ: []string{trust.Variable + "=" + dir}}
	c, err := trust.LoadConfigHere(p)
	if err != nil {
		t.Fatal(err)
	}
	type brief struct {
		Name, Target, Host, Listen, Region, Engine string
		Port, LocalPort, Lanes                     int
	}
	for _, test := range []struct {
		words string
		want  []brief
		err   string
	}{
		{"a", []brief{{"a", "t", "h", "", "eu-west-1", "plugin", 1, 7, 2}}, ""},
		{"a --host other --local-port 0 --engine native --lanes 1", []brief{{"a", "t", "other", "", "eu-west-1", "native", 1, 0, 1}}, ""},
		{"a --listen unix:x --region us-east-1", []brief{{"a", "t", "h", "unix:x", "us-east-1", "plugin", 1, 0, 2}}, ""},
		{"all --engine native", []brief{{"a", "t", "h", "", "eu-west-1", "native", 1, 7, 2}, {"b", "t", "", "", "eu-west-1", "native", 2, 0, 2}}, ""},
		{"--target x --port 5 --name mine", []brief{{"mine", "x", "", "", "eu-west-1", "native", 5, 0, 2}}, ""},
		{"all --host h", nil, "are for one tunnel"},
		{"none", nil, "there are no tunnels in none"},
		{"a --listen nowhere", nil, "--listen is"},
		{"a --host db:5432", nil, "did you mean --host db and --port 5432?"},
		{"--target x --port 5 --host [::1]", nil, "did you mean --host ::1?"},
		{"--target x --port 5 --host 169.254.170.2", nil, "--host cannot be"},
		{"a --listen :1 --local-port 1", nil, "give only one of"},
		{"--target x", nil, "--port is missing"},
		{"--target x --rds d --host h", nil, "give only one of"},
		{"--target x --port 5 --listen nowhere", nil, "--listen is"},
		{"--target x --port 5 --listen :1 --local-port 1", nil, "give only one of"},
	} {
		o, err := verbs[0].parse(strings.Fields(test.words), p.Getenv)
		if err != nil {
			t.Fatal(err)
		}
		tunnels, err := o.selected(c)
		if test.err != "" {
			if err == nil || !strings.Contains(err.Error(), test.err) || exit.Code(err) != exit.Usage {
				t.Errorf("%s: %v", test.words, err)
			}
			continue
		}
		var got []brief
		for _, t := range tunnels {
			got = append(got, brief{t.Name, t.Target, t.Host, t.Listen, t.Region, t.Engine, t.Port, t.LocalPort, t.Lanes})
		}
		if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v, -want +got:\n%s", test.words, err, diff)
		}
	}
}

// TestDocumentOfHost: a tunnel to the target itself needs no document for remote hosts.
func TestDocumentOfHost(t *testing.T) {
	for host, want := range map[string]awscli.Input{
		"":            {Target: "i-1", DocumentName: portDocument, Parameters: []awscli.Parameter{{Name: "portNumber", Values: []string{"80"}}}},
		"localhost":   {Target: "i-1", DocumentName: portDocument, Parameters: []awscli.Parameter{{Name: "portNumber", Values: []string{"80"}}}},
		"::1":         {Target: "i-1", DocumentName: portDocument, Parameters: []awscli.Parameter{{Name: "portNumber", Values: []string{"80"}}}},
		"db.internal": {Target: "i-1", DocumentName: remoteDocument, Parameters: []awscli.Parameter{{Name: "host", Values: []string{"db.internal"}}, {Name: "portNumber", Values: []string{"80"}}}},
	} {
		line, err := sessionLine(&env.Process{}, configs.Tunnel{Target: "i-1", Host: host, Port: 80}, &Options{})
		if err != nil {
			t.Fatal(err)
		}
		got := line.Call.Input
		if got.DocumentName != want.DocumentName || !cmp.Equal(got.Parameters, want.Parameters) {
			t.Errorf("%q: %s %v, want %s %v", host, got.DocumentName, got.Parameters, want.DocumentName, want.Parameters)
		}
	}
}
