package tunnel

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"ssmguard/cmd/internal/awsconf"
	"ssmguard/cmd/internal/dial"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/keeper"
	"ssmguard/configs"
	"ssmguard/guard/awsiam"
	"ssmguard/internal/sandbox/gateway"
	"ssmguard/internal/sandbox/sandboxtest"
	"ssmguard/internal/sandbox/world"
	"ssmguard/proxy"
	"ssmguard/proxy/channel"
	"ssmguard/proxy/plugin"
)

// Which errors pass by themselves, and which end a tunnel before and after it was
// ready.
func TestFinal(t *testing.T) {
	refused := func(code string, status int) error { return &proxy.Refused{Code: code, HTTPStatus: status} }
	dns := &net.DNSError{Err: "no such host", Name: "ssm.invalid"}
	for name, test := range map[string]struct {
		err                  error
		passes, first, later bool // passes by itself; final at first; final later
	}{
		"no network":        {&proxy.Unreachable{Reason: proxy.NoConnection, Err: dns}, true, false, false},
		"misspelt region":   {&proxy.Unreachable{Reason: proxy.NoConnection, Err: &net.DNSError{Err: "no such host", Name: "ssm.us-esat-1.amazonaws.com", IsNotFound: true}}, true, true, false},
		"silent resolver":   {&proxy.Unreachable{Reason: proxy.NoConnection, Err: &net.DNSError{Err: "server misbehaving", Name: "ssm.us-esat-1.amazonaws.com"}}, true, false, false},
		"name of a proxy":   {&proxy.Unreachable{Reason: proxy.NoConnection, Err: &net.DNSError{Err: "no such host", Name: "proxy.corp", IsNotFound: true}}, true, false, false},
		"bad certificate":   {&proxy.Unreachable{Reason: proxy.BadTLS, Err: &tls.CertificateVerificationError{}}, false, true, false},
		"throttled":         {refused("ThrottlingException", 400), true, false, false},
		"server fault":      {refused("Whatever", 503), true, false, false},
		"booting":           {refused("TargetNotConnected", 400), true, false, false},
		"denied":            {refused("AccessDeniedException", 400), false, true, true},
		"bad input":         {refused("ValidationException", 400), false, true, true},
		"old credentials":   {refused("ExpiredTokenException", 400), false, true, false},
		"throttled anew":    {refused("ThrottledException", 400), true, false, false},
		"unknown key":       {refused("AuthFailure", 401), false, true, false},
		"gateway down":      {&channel.StatusError{Status: 503}, true, false, false},
		"gateway refuses":   {&channel.StatusError{Status: 403}, false, true, false},
		"gateway away":      {fmt.Errorf("connecting to the message gateway: %w", &net.OpError{Op: "dial", Err: dns}), true, false, false},
		"agent silent":      {&channel.HandshakeError{Step: "waiting", Err: channel.ErrOpenTimeout}, true, false, false},
		"no key":            {&channel.HandshakeError{Step: "KMSEncryption", Err: refused("AccessDeniedException", 400)}, false, true, true},
		"resume refused":    {fmt.Errorf("%w: %w", channel.ErrSessionGone, refused("DoesNotExistException", 400)), false, true, false},
		"session gone":      {&channel.ClosedError{}, false, true, false},
		"lookup unanswered": {&awsiam.Error{Permission: "ec2:DescribeInstances", Kind: awsiam.KindUnreachable}, true, false, false},
		"lookup throttled":  {&awsiam.Error{Permission: "ec2:DescribeInstances", Kind: awsiam.KindThrottled}, true, false, false},
		"lookup denied":     {&awsiam.Error{Permission: "ec2:DescribeInstances", Kind: awsiam.KindDenied}, false, true, false},
		"no credentials":    {&awsconf.Error{Code: 253, Message: "Unable to locate credentials."}, false, true, false},
		"login unreachable": {awsconf.Explain(dns, awsconf.Call{Operation: "GetRoleCredentials", Endpoint: "https://sso"}), true, false, false},
		"port silent":       {errors.New("the remote port did not answer within 15s"), false, true, false},
		"no plugin":         {&plugin.NotExecutableError{Path: "p", Err: &fs.PathError{Op: "fork/exec", Path: "p", Err: syscall.EACCES}}, false, true, false},
		"usage":             {exit.Usagef("no"), false, true, false},
	} {
		if got := dial.Passes(test.err); got != test.passes {
			t.Errorf("%s: passes %v", name, got)
		}
		tun := &tunnel{retryFor: endlessly, progress: newProgress(configs.Tunnel{Name: "db"})}
		region := "us-esat-1"
		tun.region.Store(&region)
		if got := tun.final(test.err); got != test.first {
			t.Errorf("%s: final at first %v", name, got)
		}
		tun.progress.everReady = true
		if got := tun.final(test.err); got != test.later {
			t.Errorf("%s: final later %v", name, got)
		}
		if tun = (&tunnel{progress: newProgress(configs.Tunnel{Name: "db"})}); !tun.final(test.err) {
			t.Errorf("%s: tried again where one try was wanted", name)
		}
	}
}

// until returns the states up to an event.
func (t heard) until(tb testing.TB, last func(proxy.Event) bool) (states []proxy.State) {
	tb.Helper()
	deadline := time.After(longest)
	for {
		select {
		case e := <-t:
			if states = append(states, e.State); last(e) {
				return states
			}
		case <-deadline:
			tb.Fatalf("within %v only %v", longest, states)
		}
	}
}

// A connection that is lost, and its session after it, are one loss.
func TestLossIsToldOnce(t *testing.T) {
	s := sandboxtest.Served(t, "seed2-fixed")
	p := inSandbox(t, s)
	p.Environ = append(p.Environ, "AWS_MAX_ATTEMPTS=1")
	k := keepTunnel(t, p, toDatabase...)
	ready := k.await(t, proxy.Ready)
	s.Account.Inject(world.Fault{Operation: "ssm:ResumeSession", Kind: world.Unavailable})
	session, _ := s.Gateway.Session(ready.Session)
	session.Cut(gateway.CutRST)
	if e := k.await(t, proxy.Lost); e.Session != ready.Session {
		t.Errorf("lost %+v", e)
	}
	if e := k.await(t, proxy.Waiting); e.Session != ready.Session || !dial.Passes(e.Err) {
		t.Errorf("hindered by %+v", e)
	}
	session.Finish("idle for too long")
	s.Account.Heal()
	states := k.until(t, func(e proxy.Event) bool { return e.State == proxy.Ready && e.Session != ready.Session })
	if slices.Contains(states, proxy.Lost) || !slices.Contains(states, proxy.Waiting) {
		t.Errorf("after the loss: %v", states)
	}
	if n := k.ts[0].status().Reconnects; n != 1 {
		t.Errorf("%d reconnects", n)
	}
	if err := k.stop(); err != nil {
		t.Error(err)
	}
	noneLeft(t, s)
}

// deaf takes events until its reader stops.
type deaf struct {
	heard
	gone atomic.Bool
}

func (d *deaf) Event(e proxy.Event) error {
	if d.gone.Load() {
		return &fs.PathError{Op: "write", Path: "|1", Err: syscall.EPIPE}
	}
	return d.heard.Event(e)
}

// A tunnel whose events have no reader any more ends, and its session, too.
func TestUnheardTunnelEnds(t *testing.T) {
	s := sandboxtest.Served(t, "seed2-fixed")
	p := inSandbox(t, s)
	ts := openedTunnels(t, p, toDatabase...)
	defer ts.close()
	events := &deaf{heard: make(heard, 100)}
	ended := make(chan error, 1)
	go func() { ended <- ts.keep(t.Context(), events) }()
	ready := events.await(t, proxy.Ready)
	events.gone.Store(true)
	session, _ := s.Gateway.Session(ready.Session)
	session.Cut(gateway.CutRST)
	if err := <-ended; !errors.Is(err, syscall.EPIPE) {
		t.Errorf("ended with %v", err)
	}
	noneLeft(t, s)
}

// A tunnel that cannot find its place yet finds it later; the port is there already.
func TestTunnelWaitsForItsPlace(t *testing.T) {
	s := sandboxtest.Served(t, "seed2-fixed")
	p := inSandbox(t, s)
	p.Environ = append(p.Environ, "AWS_MAX_ATTEMPTS=1")
	s.Account.Inject(world.Fault{Operation: "ec2:*", Kind: world.Unavailable}, world.Fault{Operation: "ssm:*", Kind: world.Unavailable})
	k := keepTunnel(t, p, toDatabase...)
	if status := k.ts[0].status(); status.Listen == "" || !status.Expires.IsZero() {
		t.Errorf("before: %+v", status)
	}
	if e := k.await(t, proxy.Waiting); awsiam.KindOf(e.Err) != awsiam.KindUnreachable {
		t.Errorf("waits for %v", e.Err)
	}
	conn, err := net.Dial("tcp", k.ts[0].status().Listen)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	s.Account.Heal()
	k.await(t, proxy.Ready)
	if err := conn.SetReadDeadline(time.Now().Add(longest)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err != nil {
		t.Errorf("a connection that waited: %v", err)
	}
	if err := k.stop(); err != nil {
		t.Error(err)
	}
	noneLeft(t, s)
}

// A target that was given by its name may be another node after a loss.
func TestTunnelFollowsItsTarget(t *testing.T) {
	w, err := world.Load("default")
	if err != nil {
		t.Fatal(err)
	}
	w.Default = "carol"
	s := sandboxtest.ServedWorld(t, w)
	k := keepTunnel(t, inSandbox(t, s), "--target", "tag:Name=bastion", "--host", "db.internal", "--port", "3306")
	ready := k.await(t, proxy.Ready)
	found, _ := k.ts[0].place.known()
	found.mu.Lock()
	now := found.attempt.Question.Spec.Target
	found.attempt.Question.Spec.Target = "i-0bbbbbbbbbbbbbbb1" // as if the name had meant a node that is stopped now
	found.mu.Unlock()
	session, _ := s.Gateway.Session(ready.Session)
	session.Finish("the node has gone")
	note := ""
	k.until(t, func(e proxy.Event) bool {
		note = cmp.Or(e.Note, note)
		return e.State == proxy.Ready && e.Note == ""
	})
	if want := "tag:Name=bastion is now " + now; note != want {
		t.Errorf("said %q, want %q", note, want)
	}
	if err := k.stop(); err != nil {
		t.Error(err)
	}
}

// A target that was found is looked for again when it is gone.
func TestTunnelFindsAnotherTarget(t *testing.T) {
	s := sandboxtest.Served(t, "bastions")
	k := keepTunnel(t, inSandbox(t, s), "--rds", "orders")
	ready := k.await(t, proxy.Ready)
	found, _ := k.ts[0].place.known()
	found.mu.Lock()
	now := found.attempt.Question.Spec.Target
	found.attempt.Question.Spec.Target, found.attempt.Question.Spec.Request = "i-00000000000000ba2", "" // one that is stopped
	found.mu.Unlock()
	session, _ := s.Gateway.Session(ready.Session)
	session.Finish("the node has gone")
	note := ""
	k.until(t, func(e proxy.Event) bool {
		note = cmp.Or(e.Note, note)
		return e.State == proxy.Ready && e.Note == ""
	})
	if want := now + " is now " + now; note != want || now != "i-00000000000000ba0" {
		t.Errorf("said %q, want %q", note, want)
	}
	if err := k.stop(); err != nil {
		t.Error(err)
	}
}

// Which processes a name means: those that were asked for it come first.
func TestHolding(t *testing.T) {
	r := keeper.Registry{Dir: t.TempDir()}
	for _, rec := range []keeper.Record{
		{Name: "dev", Tunnels: []string{"db", "admin"}},
		{Name: "db", Tunnels: []string{"db"}},
		{Name: "two", Asked: []string{"web", "db"}, Tunnels: []string{"web", "db"}},
	} {
		if err := r.Write(rec); err != nil {
			t.Fatal(err)
		}
	}
	gone := keeper.Record{Name: "~1", Foreground: true, Asked: []string{"db"}, Tunnels: []string{"db"}}
	if err := r.Write(gone); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"db": "db two", "admin": "dev", "dev": "dev", "web": "two", "none": ""} {
		recs, err := r.Holding(name)
		var got []string
		for _, rec := range recs {
			got = append(got, rec.Name)
		}
		if strings.Join(got, " ") != want || err != nil {
			t.Errorf("%s: %v, %v, want %s", name, got, err, want)
		}
	}
	if _, err := os.Stat(r.File(gone.Name, "json")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the record of a foreground process that is gone: %v", err)
	}
}

// A foreground process that ends while it is asked is gone, and no crash; nothing
// of it is left, its lock included.
func TestEndsWhileAsked(t *testing.T) {
	for _, foreground := range []bool{true, false} {
		r := keeper.Registry{Dir: t.TempDir()}
		rec := keeper.Record{Name: "~1", Foreground: foreground, Tunnels: []string{"db"}}
		unlock, err := r.Lock(t.Context(), rec.Name)
		if err != nil {
			t.Fatal(err)
		}
		control, err := net.Listen("unix", r.File(rec.Name, "sock"))
		if err != nil {
			t.Fatal(err)
		}
		answered := make(chan error, 1)
		go func() {
			conn, err := control.Accept()
			if err == nil {
				unlock()
				err = errors.Join(conn.Close(), control.Close())
			}
			answered <- err
		}()
		rows := r.StatusesOf(t.Context(), rec)
		if err := <-answered; err != nil {
			t.Fatal(err)
		}
		left, err := os.ReadDir(r.Dir)
		if err != nil {
			t.Fatal(err)
		}
		if foreground && len(rows)+len(left) > 0 || !foreground && (len(rows) != 1 || rows[0].Name != keeper.StateCrashed) {
			t.Errorf("foreground %v: %+v, left behind %v", foreground, rows, left)
		}
	}
}

// A process takes its name although another one holds the lock to look whether it is
// alive.
func TestLockOutwaitsALook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := keeper.Registry{Dir: t.TempDir()}
		unlock, err := r.Lock(t.Context(), "db")
		if err != nil || !r.Alive("db") {
			t.Fatalf("%v, alive %v", err, r.Alive("db"))
		}
		if _, err := r.Lock(t.Context(), "db"); err == nil {
			t.Error("two processes of one name")
		}
		second := make(chan error, 1)
		go func() {
			again, err := r.Lock(t.Context(), "db")
			if err == nil {
				again()
			}
			second <- err
		}()
		synctest.Wait() // until it waits
		unlock()
		if err := <-second; err != nil {
			t.Error(err)
		}
		if r.Alive("db") {
			t.Error("a process lives that has let its name go")
		}
	})
}

func TestNamesCannotLeaveTheirDirectory(t *testing.T) {
	for _, name := range []string{"../x", "a/b", ".", "..", "", "-x", "~1"} {
		if configs.CheckName(name) == nil {
			t.Errorf("%q is a name", name)
		}
	}
	if got := unique([]string{"a", "b", "a"}); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("unique: %v", got)
	}
}

// TestPlaceReadsTheFilesAgain: what was wrong in ~/.aws may be mended before the next
// attempt to find a tunnel's place.
func TestPlaceReadsTheFilesAgain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config")
	p := &env.Process{Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: io.Discard,
		Environ: []string{"HOME=" + filepath.Dir(file), "AWS_CONFIG_FILE=" + file, "AWS_EC2_METADATA_DISABLED=true"}}
	tunnel := &tunnel{conf: configs.Tunnel{Target: "i-0123456789abcdef0", Port: 22}}
	for _, tt := range []struct{ config, want string }{
		{"", "You must specify a region"},
		{"[default]\nregion = eu-west-1\n", "Unable to locate credentials"},
	} {
		if err := os.WriteFile(file, []byte(tt.config), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := tunnel.findPlace(t.Context(), p, &Options{}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v, want %s", tt.config, err, tt.want)
		}
	}
}
