package tunnel

import (
	"strings"
	"testing"
	"time"

	"ssmguard/cmd/internal/report"
	"ssmguard/configs"
	"ssmguard/internal/peer/peertest"
	"ssmguard/internal/sandbox/sandboxtest"
	"ssmguard/proxy"
)

// awaitNote returns the next note.
func (t heard) awaitNote(tb testing.TB) string {
	tb.Helper()
	deadline := time.After(longest)
	for {
		select {
		case e := <-t:
			if e.Note != "" {
				return e.Note
			}
		case <-deadline:
			tb.Fatalf("no note within %v", longest)
		}
	}
}

// Another user of the machine gets nothing from a tunnel, unless it is for all. That is
// said once and counted.
func TestTunnelIsForItsUser(t *testing.T) {
	p := inSandbox(t, sandboxtest.Served(t, "seed2-fixed"))
	k := keepTunnel(t, p, toDatabase...)
	ready := k.await(t, proxy.Ready)
	for range 3 {
		if heard, err := peertest.Talk(t, "tcp", ready.Listen, ""); heard != "" || err == nil {
			t.Errorf("another user heard %q, %v", heard, err)
		}
	}
	want := "refused: the connection is from uid 65534 (nobody); the port is for your own processes and root's; --peer any admits every user of this machine"
	if note := k.awaitNote(t); note != want {
		t.Errorf("said %q", note)
	}
	if s := k.ts.Statuses()[0]; s.Refused != 3 {
		t.Errorf("counted %d", s.Refused)
	}
	conn, from := k.dial(t, ready.Listen)
	echoes(t, conn, from, "our own")
	if err := k.stop(); err != nil {
		t.Error(err)
	}
	for len(k.heard) > 0 {
		if e := <-k.heard; e.Note == want {
			t.Error("said again")
		}
	}
	k = keepTunnel(t, p, append(toDatabase, "--peer", "any")...)
	ready = k.await(t, proxy.Ready)
	if heard, err := peertest.TalkOnce(t, "tcp", ready.Listen, "quit\n"); !strings.Contains(heard, "sandbox") {
		t.Errorf("with --peer any another user heard %q, %v", heard, err)
	}
	if err := k.stop(); err != nil {
		t.Error(err)
	}
}

// A refusal before the tunnel's events are passed on is not lost.
func TestEarlyNotes(t *testing.T) {
	g := newProgress(configs.Tunnel{Name: "db"})
	g.say("early")
	events := make(heard, 10)
	out := report.NewOutbox(events, func(err error) { t.Error(err) })
	g.start(out)
	g.say("late")
	out.Close()
	if first, second := <-events, <-events; first.Note != "early" || second.Note != "late" || first.Tunnel != "db" {
		t.Errorf("got %+v, %+v", first, second)
	}
}
