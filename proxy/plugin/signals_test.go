//go:build linux

package plugin_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ssmguard/internal/sandbox/gateway"
	"ssmguard/proxy"
	"ssmguard/proxy/plugin"
)

// ignoredByChild returns the SigIgn line of a child of this process.
func ignoredByChild(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("grep", "SigIgn", "/proc/self/status").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// While an embedded plugin runs, and afterwards, other children of this process
// get the signals that the plugin ignores.
func TestOnlyThePluginIgnoresSignals(t *testing.T) {
	none := fmt.Sprintf("SigIgn:\t%016x", 0)
	before := ignoredByChild(t)
	st := newStage(t)
	o, _ := st.start(gateway.SessionConfig{Kind: gateway.Port, Properties: gateway.Properties{PortNumber: echoServer(t)}})
	r, err := plugin.Embedded(append(os.Environ(), "HOME="+st.home, unraced(), "AWS_EC2_METADATA_DISABLED=true"))
	if err != nil {
		t.Fatal(err)
	}
	in, stop, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		s := &proxy.Session{ID: o.ID, StreamURL: proxy.NewSecret(o.StreamURL), Token: proxy.NewSecret(o.Token), Spec: o.Spec}
		ended <- r.Run(t.Context(), s, proxy.Streams{In: in, Out: new(bytes.Buffer), Err: new(bytes.Buffer)}, func() { close(ready) })
	}()
	select {
	case <-ready:
	case err := <-ended:
		t.Fatalf("ended before it was ready: %v", err)
	}
	if got := ignoredByChild(t); got != none {
		t.Errorf("while a plugin runs: %s", got)
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", childOf(t, os.Getpid())))
	if want := fmt.Sprintf("SigIgn:\t%016x\n", 0x80006); err != nil || !strings.Contains(string(status), want) {
		t.Errorf("the plugin does not ignore the session's signals: %v\n%s", err, status)
	}
	stop.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if got := ignoredByChild(t); got != before {
		t.Errorf("after a plugin has run: %s, before %s", got, before)
	}
}

// A tunnel's plugin has no keyboard: the signals stay with the caller, and the
// end of the context is the end of the session.
func TestWithoutKeyboard(t *testing.T) {
	st := newStage(t)
	o, far := st.start(gateway.SessionConfig{Kind: gateway.Port, Properties: gateway.Properties{Type: "LocalPortForwarding", PortNumber: echoServer(t)}})
	r, err := plugin.Embedded(append(os.Environ(), "HOME="+st.home, unraced(), "AWS_EC2_METADATA_DISABLED=true"))
	if err != nil {
		t.Fatal(err)
	}
	r.Terminator = terminator(st.api.URL)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT)
	defer signal.Stop(signals)
	ctx, cancel := context.WithCancelCause(t.Context())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		s := &proxy.Session{ID: o.ID, StreamURL: proxy.NewSecret(o.StreamURL), Token: proxy.NewSecret(o.Token), Spec: o.Spec}
		ended <- r.Run(ctx, s, proxy.Streams{Out: new(bytes.Buffer), Err: new(bytes.Buffer)}, func() { close(ready) })
	}()
	select {
	case <-ready:
	case err := <-ended:
		t.Fatalf("ended before it was ready: %v", err)
	}
	child := childOf(t, os.Getpid())
	if group, err := syscall.Getpgid(child); err != nil || group != child {
		t.Errorf("the plugin's process group is %d, %v", group, err)
	}
	syscall.Kill(os.Getpid(), syscall.SIGINT)
	<-signals
	why := errors.New("no longer needed")
	cancel(why)
	if err := <-ended; !errors.Is(err, why) {
		t.Errorf("ended with %v", err)
	}
	awaitEnd(t, far)
	if diff := cmp.Diff([]string{"TerminateSession " + accessKey}, st.called()); diff != "" {
		t.Error(diff)
	}
}
