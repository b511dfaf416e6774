package session

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ssmguard/cmd/internal/dial"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/internal/sandbox/gateway"
	"ssmguard/proxy"
	"ssmguard/proxy/channel"
	"ssmguard/proxy/door"
)

// A document may say what to listen on; parameters come first.
func TestLocalEnds(t *testing.T) {
	// The test holds the port, so that it is in use.
	taken, err := door.Open("", door.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.Addr().String()
	_, number, err := net.SplitHostPort(port)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "s")
	for name, c := range map[string]struct {
		parameters map[string][]string
		properties channel.PortProperties
		want       string // "" for any
	}{
		"nothing":            {},
		"any":                {properties: channel.PortProperties{LocalPortNumber: "0"}},
		"document":           {properties: channel.PortProperties{LocalPortNumber: number}, want: port},
		"document, socket":   {properties: channel.PortProperties{LocalConnectionType: "unix", LocalUnixSocket: path}, want: "unix:" + path},
		"parameters":         {parameters: map[string][]string{"localPortNumber": {number}}, want: port},
		"parameters, socket": {parameters: map[string][]string{"localUnixSocket": {path}}, want: "unix:" + path},
	} {
		d, err := localEnd(c.parameters, door.Options{})
		if err == nil && d == nil {
			place := c.properties.LocalPortNumber
			if socket := socketOf(c.properties); socket != "" {
				place = socket
			}
			d, err = documentEnd(place, c.properties, door.Options{})
		}
		var inUse *door.InUseError
		if errors.As(err, &inUse) && inUse.Address == c.want {
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := d.String(); c.want != "" && got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		d.Close()
	}
}

func TestRemoteStatus(t *testing.T) {
	for code, want := range map[int]int{0: 0, 7: 7, 255: 255, -1: exit.Other, 256: exit.Other} {
		if got := remoteStatus(code); got != want {
			t.Errorf("%d is %d, want %d", code, got, want)
		}
	}
}

func TestMayBeSilent(t *testing.T) {
	for _, c := range []struct {
		document, target string
		want             bool
	}{
		{"", "i-1", false},
		{"", "ecs:cluster_task_container", true},
		{"SSM-SessionManagerRunShell", "i-1", false},
		{"AWS-StartSSHSession", "i-1", false},
		{"AWS-StartNonInteractiveCommand", "i-1", true},
		{"OurCommand", "i-1", true},
	} {
		if got := mayBeSilent(proxy.Spec{Document: c.document, Target: c.target}); got != c.want {
			t.Errorf("%s on %s: %v", c.document, c.target, got)
		}
	}
}

// The gateway's text at the end is an error; leaving by ~. is not.
func TestSessionError(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
		code int
	}{
		{nil, "", exit.OK},
		{channel.ErrEscaped, "", exit.OK},
		{&channel.ClosedError{Output: "\n\nYour session timed out due to inactivity.\n"}, "Your session timed out due to inactivity.", exit.Other},
		{channel.ErrSessionGone, "session is gone", exit.Other},
	} {
		err := sessionError(c.err)
		if code := exit.Code(err); code != c.code || err != nil && err.Error() != c.want {
			t.Errorf("%v: %v, code %d; want %q, %d", c.err, err, code, c.want, c.code)
		}
	}
}

// A program that sends nothing for longer than opening may take is not a failure.
func TestSilentProgram(t *testing.T) {
	t.Parallel()
	// On a busy machine the connection itself may take longer than opening may.
	for opening := 1; ; opening *= 2 {
		err := connectSilent(t, time.Duration(opening)*time.Second, fmt.Sprintf("sleep %d; echo there", 2*opening))
		if err == nil {
			return
		}
		if !errors.Is(err, channel.ErrOpenTimeout) || opening > 30 {
			t.Fatal(err)
		}
	}
}

// connectSilent connects to a program.
func connectSilent(t *testing.T, opening time.Duration, program string) error {
	t.Helper()
	g, err := gateway.New(gateway.Options{Shell: []string{"/bin/sh", "-c", program}})
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- g.Serve(t.Context()) }()
	defer func() {
		if err := errors.Join(g.Close(), <-served); err != nil {
			t.Error(err)
		}
	}()
	s, err := g.Start(t.Context(), gateway.SessionConfig{Kind: gateway.Shell})
	if err != nil {
		t.Fatal(err)
	}
	s.Spec.Document = "OurCommand"
	n := &nativeSession{process: &env.Process{}, dialer: &dial.Dialer{Options: channel.Options{OpenTimeout: opening}}, screen: newScreen(io.Discard, io.Discard, false)}
	ch, err := n.connect(t.Context(), s)
	if err != nil {
		return err
	}
	return ch.Close()
}

// TestListensForNobody: the far side may call a session a port that was not asked for as one.
// Then nothing is opened here, and a stale socket at a path of its choice stays.
func TestListensForNobody(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false)
	stale.Close()
	before, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		spec       proxy.Spec
		properties gateway.Properties
	}{
		"a shell's port":      {proxy.Spec{}, gateway.Properties{LocalPortNumber: "0"}},
		"a shell's socket":    {proxy.Spec{}, gateway.Properties{LocalConnectionType: "unix", LocalUnixSocket: path}},
		"an own shell's port": {proxy.Spec{Document: "Corp", SessionType: "Standard_Stream"}, gateway.Properties{LocalPortNumber: "0"}},
		"a socket for a port": {proxy.Spec{Document: "AWS-StartPortForwardingSession"}, gateway.Properties{LocalConnectionType: "unix", LocalUnixSocket: path}},
		"another port": {proxy.Spec{Document: "AWS-StartPortForwardingSession", Parameters: map[string][]string{"localPortNumber": {"0"}}},
			gateway.Properties{LocalPortNumber: "5432"}},
	} {
		t.Run(name, func(t *testing.T) {
			g, err := gateway.New(gateway.Options{})
			if err != nil {
				t.Fatal(err)
			}
			served := make(chan error, 1)
			go func() { served <- g.Serve(t.Context()) }()
			defer func() {
				if err := errors.Join(g.Close(), <-served); err != nil {
					t.Error(err)
				}
			}()
			c.properties.Type, c.properties.PortNumber = "LocalPortForwarding", "80"
			s, err := g.Start(t.Context(), gateway.SessionConfig{Kind: gateway.Port, Properties: c.properties})
			if err != nil {
				t.Fatal(err)
			}
			s.Spec = c.spec
			var said strings.Builder
			process := &env.Process{Stderr: &said}
			n := &nativeSession{process: process, dialer: &dial.Dialer{}, screen: newScreen(io.Discard, &said, false)}
			ch, err := n.connect(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			defer ch.Close()
			var refused *proxy.ListenError
			if err := n.forward(t.Context(), ch, s, nil); !errors.As(err, &refused) || said.Len() > 0 {
				t.Errorf("%v, said %q", err, &said)
			}
			if now, err := os.Lstat(path); err != nil || !os.SameFile(before, now) {
				t.Errorf("the file was replaced: %v", err)
			}
		})
	}
}
