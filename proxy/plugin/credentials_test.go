//go:build unix

package plugin_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ssmguard/internal/sandbox/gateway"
)

// resumed cuts a session's connection and returns when it is there again.
func resumed(t *testing.T, s *gateway.Session) gateway.Status {
	t.Helper()
	s.Cut(gateway.CutRST)
	return awaitStatus(t, s, "the second connection", func(st gateway.Status) bool { return len(st.Connects) == 2 })
}

// The plugin asks for credentials each time that it uses them.
func TestCredentialsAreAskedForWhenUsed(t *testing.T) {
	st := newStage(t)
	o, s := st.start(gateway.SessionConfig{Kind: gateway.Shell, KMSKeyID: "alias/k"})
	o.Login = "changes"
	d := st.run(o)
	d.await(d.err, "ready")
	status := resumed(t, s)
	d.sayAndExit()
	if code := d.wait(); code != 0 {
		t.Errorf("exit status %d: %s", code, d.err)
	}
	if diff := cmp.Diff([]string{"GenerateDataKey " + accessKey + "2", "ResumeSession " + accessKey + "3"}, st.called()); diff != "" {
		t.Error(diff)
	}
	want := []gateway.Connect{{Signed: true, AccessKey: accessKey + "1"}, {Signed: true, AccessKey: accessKey + "3"}}
	if diff := cmp.Diff(want, status.Connects); diff != "" {
		t.Error(diff)
	}
}

// Credentials that AWS refuses, whatever the clock says, are replaced.
func TestRefusedCredentialsAreReplaced(t *testing.T) {
	st := newStage(t)
	o, s := st.start(gateway.SessionConfig{Kind: gateway.Shell})
	o.Login = "replaced"
	d := st.run(o)
	d.await(d.err, "ready")
	st.expire(accessKey)
	resumed(t, s)
	d.say("exit\n")
	if code := d.wait(); code != 0 {
		t.Errorf("exit status %d: %s", code, d.err)
	}
	if diff := cmp.Diff([]string{"ResumeSession " + accessKey, "ResumeSession " + accessKey + "NEW"}, st.called()); diff != "" {
		t.Error(diff)
	}
}

// Whoever types on when credentials have run out learns that, and nothing of pipes.
func TestCredentialsHaveRunOut(t *testing.T) {
	t.Parallel()
	st := newStage(t)
	o, s := st.start(gateway.SessionConfig{Kind: gateway.Shell})
	o.Login = "expires"
	d := st.run(o)
	d.await(d.err, "ready")
	s.Cut(gateway.CutRST)
	for range 10 {
		d.say("echo typed\n")
	}
	if code := d.wait(); code != 1 {
		t.Errorf("exit status %d", code)
	}
	if got := d.err.String(); !strings.Contains(got, "could not be resumed: credentials have expired; log in again") {
		t.Error(got)
	}
	if strings.Contains(d.out.String(), "Cannot perform start session") {
		t.Error(d.out)
	}
	awaitEnd(t, s)
}

// What is typed while the connection is away arrives when it is back.
func TestTypedWhileDisconnected(t *testing.T) {
	t.Parallel()
	st := newStage(t)
	o, s := st.start(gateway.SessionConfig{Kind: gateway.Shell})
	d := st.run(o)
	d.await(d.err, "ready")
	s.RefuseResumes(3)
	s.Cut(gateway.CutRST)
	for range 10 {
		d.say(": on and on\n")
	}
	d.sayAndExit()
	if code := d.wait(); code != 0 {
		t.Errorf("exit status %d: %s", code, d.err)
	}
}

// Without parent there is nobody to ask: the plugin's own credentials have to do.
func TestParentIsKilledWithExpiredCredentials(t *testing.T) {
	st := newStage(t)
	o, s := st.start(gateway.SessionConfig{Kind: gateway.Shell})
	d := st.run(o)
	d.await(d.err, "ready")
	st.expire(accessKey)
	d.cmd.Process.Kill()
	awaitEnd(t, s)
	if diff := cmp.Diff([]string{"TerminateSession " + accessKey, "TerminateSession AKIDSTALE"}, st.called()); diff != "" {
		t.Error(diff)
	}
}
