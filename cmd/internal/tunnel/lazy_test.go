package tunnel

import (
	"os"
	"path/filepath"
	"testing"

	"ssmguard/internal/sandbox/sandboxtest"
	"ssmguard/proxy"
)

// A lazy tunnel listens without a session; one comes with a connection, stays as long as that,
// and ends when there is none.
func TestLazyTunnel(t *testing.T) {
	s := sandboxtest.Served(t, "seed2-fixed")
	k := keepTunnel(t, inSandbox(t, s), append(toDatabase, "--lazy", "--idle", "1s")...)
	tun := k.ts[0]
	idle := k.await(t, proxy.Idle)
	if c := tun.traffic.Counts(); idle.Listen != tun.near.door.String() || idle.Leads == "" || c.Sessions != 0 {
		t.Fatalf("idle on %q, to %q, with %d sessions", idle.Listen, idle.Leads, c.Sessions)
	}
	var sessions []string
	for range 2 {
		conn, from := k.dial(t, idle.Listen)
		echoes(t, conn, from, "first")
		ready := k.await(t, proxy.Ready)
		if state := tun.status(); state.State != proxy.Ready {
			t.Errorf("%v with a connection", state.State)
		}
		conn.Close()
		k.await(t, proxy.Idle)
		session, ok := s.Gateway.Session(ready.Session)
		if !ok {
			t.Fatalf("no session %s", ready.Session)
		}
		<-session.Done()
		sessions = append(sessions, ready.Session)
	}
	if c := tun.traffic.Counts(); sessions[0] == sessions[1] || c.Sessions != 2 || c.Opened != 2 {
		t.Errorf("sessions %v, counts %+v", sessions, c)
	}
	if again := tun.status().Reconnects; again != 0 {
		t.Errorf("%d reconnects", again)
	}
	if err := k.stop(); err != nil {
		t.Error(err)
	}
}

// A hundred lazy tunnels are one process with no session, and each opens its own.
func TestManyLazyTunnels(t *testing.T) {
	s := sandboxtest.Served(t, "seed2-fixed")
	p := inSandbox(t, s)
	file := filepath.Join(p.UserDir("XDG_CONFIG_HOME", ".config"), "ssmguard", "config.yaml")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	text, group := "defaults: {lazy: true}\ntunnels:\n", "groups:\n  all: ["
	for i := range 100 {
		name := "db" + string(rune('a'+i/10)) + string(rune('a'+i%10))
		text += "  " + name + ": {target: bastion-db-maintenance, host: db.internal, port: 3306}\n"
		group += name + ", "
	}
	if err := os.WriteFile(file, []byte(text+group+"]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	k := keepTunnel(t, p, "all")
	defer k.stop() //nolint:errcheck // the test is over
	for range 100 {
		k.await(t, proxy.Idle)
	}
	conn, from := k.dial(t, k.ts[42].near.door.String())
	echoes(t, conn, from, "here")
	for i, tun := range k.ts {
		if n := tun.traffic.Counts().Sessions; n != map[bool]int{true: 1}[i == 42] {
			t.Errorf("tunnel %d has had %d sessions", i, n)
		}
	}
}
