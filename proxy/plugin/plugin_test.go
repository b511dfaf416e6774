//go:build unix

package plugin_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/term"

	"ssmguard/internal/sandbox/gateway"
)

func TestShellOnATerminal(t *testing.T) {
	st := newStage(t)
	o, s := st.start(gateway.SessionConfig{Kind: gateway.Shell})
	d := st.runTTY(o)
	before, err := term.GetState(int(d.tty.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	d.await(d.out, "Starting session with SessionId: "+o.ID)
	d.await(d.out, "ready")
	d.say("until test \"$(stty size)\" = '33 111'; do :; done; echo size=$(stty size) sum=$((20+22))\n") // it may be told late
	d.await(d.out, "size=33 111")
	d.await(d.out, "sum=42")
	d.say("sh -c 'echo begun=$((1+1)); exec sleep 1000'\n") // what says so is what the interrupt is for
	d.await(d.out, "begun=2")
	d.say("\x03")
	d.await(d.out, "^C")
	d.say("echo alive=$((6*7))\n")
	d.await(d.out, "alive=42")
	noSecrets(t, d, o)
	d.say("exit\n")
	if code := d.wait(); code != 0 {
		t.Errorf("exit status %d: %s", code, d.out)
	}
	d.await(d.out, "Exiting session with sessionId: "+o.ID)
	d.await(d.out, "result: well")
	after, _ := term.GetState(int(d.tty.Fd()))
	if diff := cmp.Diff(fmt.Sprintf("%+v", before), fmt.Sprintf("%+v", after)); diff != "" {
		t.Errorf("the terminal is not as it was: %s", diff)
	}
	status := awaitEnd(t, s)
	if diff := cmp.Diff([]gateway.Connect{{Signed: true, AccessKey: accessKey}}, status.Connects); diff != "" {
		t.Error(diff)
	}
	if calls := st.called(); len(calls) > 0 {
		t.Errorf("calls for a session that ended by itself: %v", calls)
	}
}

func TestTerminalAfterTheChildIsKilled(t *testing.T) {
	st := newStage(t)
	o, s := st.start(gateway.SessionConfig{Kind: gateway.Shell})
	d := st.runTTY(o)
	before, _ := term.GetState(int(d.tty.Fd()))
	d.await(d.out, "ready")
	d.say("echo sum=$((20+22))\n")
	d.await(d.out, "sum=42") // the child has set the terminal by now
	syscall.Kill(childOf(t, d.cmd.Process.Pid), syscall.SIGKILL)
	d.wait()
	d.await(d.out, "died with <Signals.SIGKILL: 9>")
	after, _ := term.GetState(int(d.tty.Fd()))
	if diff := cmp.Diff(fmt.Sprintf("%+v", before), fmt.Sprintf("%+v", after)); diff != "" {
		t.Errorf("the terminal is not as it was: %s", diff)
	}
	awaitEnd(t, s)
	if diff := cmp.Diff([]string{"TerminateSession " + accessKey}, st.called()); diff != "" {
		t.Error(diff)
	}
}

// TestBegins: what stands on the terminal can be taken away before the plugin's first line.
func TestBegins(t *testing.T) {
	st := newStage(t)
	o, _ := st.start(gateway.SessionConfig{Kind: gateway.Shell})
	o.Begins = true
	d := st.run(o)
	d.await(d.out, "Starting session")
	if out := d.out.String(); !strings.HasPrefix(out, "begins\n\nStarting session") {
		t.Errorf("%q", out)
	}
	d.say("exit\n")
	d.wait()
	if out := d.out.String(); strings.Count(out, "begins") != 1 {
		t.Errorf("%q", out)
	}
}

func TestSignals(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP} {
		for _, whom := range []string{"parent", "group", "child"} {
			t.Run(fmt.Sprintf("%v to %s", sig, whom), func(t *testing.T) {
				st := newStage(t)
				o, s := st.start(gateway.SessionConfig{Kind: gateway.Shell})
				d := st.run(o)
				d.await(d.err, "ready")
				pid := d.cmd.Process.Pid
				child := childOf(t, pid)
				result := "result: *plugin.InterruptedError ended by signal"
				switch whom {
				case "group":
					pid = -pid
				case "child":
					pid, result = child, "result: *plugin.ExitError"
				}
				syscall.Kill(pid, sig)
				d.wait()
				d.await(d.err, result)
				awaitEnd(t, s)
				if diff := cmp.Diff([]string{"TerminateSession " + accessKey}, st.called()); diff != "" {
					t.Error(diff)
				}
				if syscall.Kill(child, 0) == nil {
					t.Error("the child lives on")
				}
			})
		}
	}
}

// Session signals are for the far end, all of them and from its first word on: the
// parent does not die of them.
func TestSessionSignalsAreForwarded(t *testing.T) {
	const command = "stty -icanon -isig -echo; echo go; dd bs=1 count=3 2>/dev/null | cat -v"
	for _, handshake := range []gateway.Handshake{gateway.HandshakeNever, gateway.HandshakeAlways} {
		st := newStage(t)
		c := commands(gateway.InteractiveCommands, command)
		c.Handshake = handshake
		o, _ := st.start(c)
		d := st.run(o)
		d.await(d.out, "Starting session")
		child := childOf(t, d.cmd.Process.Pid)
		d.await(d.out, "\ngo\r")
		for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTSTP, syscall.SIGQUIT} {
			syscall.Kill(d.cmd.Process.Pid, sig) // not to the group: stty, which the plugin runs now, would stop
			syscall.Kill(child, sig)
		}
		if code := d.wait(); code != 0 {
			t.Errorf("exit status %d: %s", code, d.err)
		}
		for _, key := range []string{"^C", "^Z", `^\`} {
			d.await(d.out, key)
		}
	}
}

// A child without parent ends its session by itself.
func TestParentIsKilled(t *testing.T) {
	st := newStage(t)
	o, s := st.start(gateway.SessionConfig{Kind: gateway.Port, Properties: gateway.Properties{Type: "LocalPortForwarding", PortNumber: echoServer(t)}})
	d := st.run(o)
	d.await(d.err, "ready")
	d.cmd.Process.Kill()
	awaitEnd(t, s)
	if diff := cmp.Diff([]string{"TerminateSession " + accessKey}, st.called()); diff != "" {
		t.Error(diff)
	}
}

func TestCommandExitCode(t *testing.T) {
	for _, kms := range []string{"", "alias/k"} {
		st := newStage(t)
		o, s := st.start(gateway.SessionConfig{Kind: gateway.NonInteractiveCommands, KMSKeyID: kms, Properties: gateway.Properties{
			Linux: &gateway.Commands{Commands: "echo to out; echo to err >&2; exit 7", SeparateOutputStream: true}}})
		d := st.run(o)
		if code := d.wait(); code != 7 {
			t.Errorf("exit status %d, want 7: %s", code, d.err)
		}
		for _, part := range []string{"to out\n", "to err\n", "EXIT_CODE: 7"} {
			d.await(d.out, part)
		}
		d.await(d.err, "the command exited with status 7")
		awaitEnd(t, s)
	}
}

func TestEncryptedShell(t *testing.T) {
	st := newStage(t)
	o, s := st.start(gateway.SessionConfig{Kind: gateway.Shell, KMSKeyID: "alias/k", CustomerMessage: "this session is encrypted"})
	d := st.runTTY(o)
	d.await(d.out, "this session is encrypted")
	d.await(d.out, "ready")
	d.sayAndExit()
	if code := d.wait(); code != 0 {
		t.Errorf("exit status %d: %s", code, d.out)
	}
	awaitEnd(t, s)
	if diff := cmp.Diff([]string{"GenerateDataKey " + accessKey}, st.called()); diff != "" {
		t.Error(diff)
	}
}

func TestEncryptionRefused(t *testing.T) {
	st := newStage(t)
	st.refuse("GenerateDataKey")
	o, s := st.start(gateway.SessionConfig{Kind: gateway.Shell, KMSKeyID: "alias/k"})
	d := st.run(o)
	if code := d.wait(); code != 1 {
		t.Errorf("exit status %d: %s", code, d.err)
	}
	d.await(d.err, "KMSEncryption failed on client")
	awaitEnd(t, s)
}

func TestNeverHangs(t *testing.T) {
	shell := gateway.SessionConfig{Kind: gateway.Shell}
	for name, tc := range map[string]struct {
		config gateway.SessionConfig
		before func(*stage, *gateway.Session)
		after  func(*stage, *gateway.Session)
		reason string
	}{
		"websocket refused": {config: shell, before: func(_ *stage, s *gateway.Session) { s.RefuseConnects(100) },
			reason: "cannot connect to the session: websocket: bad handshake"},
		"token refused": {config: shell, before: func(st *stage, s *gateway.Session) { s.ExpireToken(); st.refuse("ResumeSession") },
			reason: "could not be resumed: An error occurred (AccessDeniedException) when calling the ResumeSession operation: no"},
		"resume refused": {config: shell, after: func(st *stage, s *gateway.Session) { s.RefuseResumes(100); s.Cut(gateway.CutRST) },
			reason: "could not be resumed"},
		"idle timeout": {config: shell, after: func(_ *stage, s *gateway.Session) { s.Finish("You were idle.") }, reason: "You were idle."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := newStage(t)
			o, s := st.start(tc.config)
			if tc.before != nil {
				tc.before(st, s)
			}
			d := st.run(o)
			if tc.after != nil {
				d.await(d.err, "ready")
				tc.after(st, s)
			}
			if code := d.wait(); code != 1 {
				t.Errorf("exit status %d", code)
			}
			d.await(d.err, tc.reason)
			if strings.Contains(d.err.String(), o.Token) || strings.Contains(d.err.String(), o.StreamURL) {
				t.Errorf("a secret on stderr: %s", d.err)
			}
			awaitEnd(t, s)
		})
	}
}

func TestResume(t *testing.T) {
	st := newStage(t)
	o, s := st.start(gateway.SessionConfig{Kind: gateway.Shell})
	d := st.run(o)
	d.await(d.err, "ready")
	s.Cut(gateway.CutRST)
	awaitStatus(t, s, "the second connection", func(st gateway.Status) bool { return len(st.Connects) == 2 })
	d.sayAndExit()
	if code := d.wait(); code != 0 {
		t.Errorf("exit status %d: %s", code, d.err)
	}
	if diff := cmp.Diff([]string{"ResumeSession " + accessKey}, st.called()); diff != "" {
		t.Error(diff)
	}
}

// childOf returns the only child of a process.
func childOf(t *testing.T, pid int) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	var child int
	if err == nil {
		_, err = fmt.Sscan(string(text), &child)
	}
	if err != nil {
		for _, task := range glob(t, fmt.Sprintf("/proc/%d/task/*/children", pid)) {
			if text, _ := os.ReadFile(task); len(text) > 0 {
				fmt.Sscan(string(text), &child)
			}
		}
	}
	if child == 0 {
		t.Fatalf("process %d has no child", pid)
	}
	return child
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// noSecrets looks for token and stream URL in the command line of every process.
func noSecrets(t *testing.T, d *driver, o order) {
	t.Helper()
	child, seen := childOf(t, d.cmd.Process.Pid), false
	for _, file := range glob(t, "/proc/[0-9]*/cmdline") {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // gone meanwhile
		}
		for _, secret := range []string{o.Token, o.StreamURL, "s3cret", "t0ken"} {
			if bytes.Contains(text, []byte(secret)) {
				t.Errorf("%s shows a secret", file)
			}
		}
		if file == fmt.Sprintf("/proc/%d/cmdline", child) {
			seen = true
			want := []string{"session-manager-plugin", "AWS_SSM_START_SESSION_RESPONSE", "eu-west-1", "StartSession", "",
				requested(o.Spec), o.Spec.Endpoint, ""}
			if diff := cmp.Diff(want, strings.Split(string(text), "\x00")); diff != "" {
				t.Errorf("the plugin's command line: %s", diff)
			}
		}
	}
	if !seen {
		t.Error("no command line of the plugin")
	}
	environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", child))
	if err != nil || bytes.Contains(environ, []byte("s3cret")) || bytes.Contains(environ, []byte("t0ken")) {
		t.Errorf("the plugin was started with the keys in its environment: %v", err)
	}
}
