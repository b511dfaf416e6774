//go:build unix

package plugin_test

import (
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ssmguard/internal/sandbox/gateway"
)

// An interrupt that only we get ends a session that forwards a port, as the plugin
// ends when it comes from the terminal; see TestPortForwarding.
func TestInterruptEndsForwarding(t *testing.T) {
	for name, tc := range map[string]struct {
		version string
		signal  syscall.Signal
	}{
		"many connections": {"3.3.0.0", syscall.SIGINT},
		"one connection":   {"3.0.0.0", syscall.SIGINT},
		"quit":             {"3.3.0.0", syscall.SIGQUIT},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := newStage(t)
			o, s := st.start(gateway.SessionConfig{Kind: gateway.Port, AgentVersion: tc.version,
				Properties: gateway.Properties{Type: "LocalPortForwarding", PortNumber: echoServer(t), LocalPortNumber: "0"}})
			d := st.run(o)
			localPort(t, d)
			child := childOf(t, d.cmd.Process.Pid)
			d.cmd.Process.Signal(tc.signal)
			d.wait()
			d.await(d.err, "result: *plugin.InterruptedError ended by signal: "+tc.signal.String())
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

// One that comes while the session is being opened is not forgotten.
func TestInterruptWhileOpening(t *testing.T) {
	t.Parallel()
	st := newStage(t)
	o, s := st.start(gateway.SessionConfig{Kind: gateway.Port, Handshake: gateway.HandshakeAlways,
		Properties: gateway.Properties{Type: "LocalPortForwarding", PortNumber: echoServer(t), LocalPortNumber: "0"}})
	s.RefuseConnects(2)
	d := st.run(o)
	d.await(d.out, "Starting session with SessionId")
	d.cmd.Process.Signal(syscall.SIGINT)
	d.wait()
	d.await(d.err, "result: *plugin.InterruptedError ended by signal: interrupt")
	awaitEnd(t, s)
}
