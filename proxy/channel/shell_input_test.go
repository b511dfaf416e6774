package channel_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"testing"
	"time"

	"ssmguard/internal/sandbox/gateway"
	"ssmguard/proxy"
	"ssmguard/proxy/channel"
	"ssmguard/proxy/channel/wire"
)

// runShell runs a shell session with that input, and bounds how long it may take.
func runShell(t *testing.T, c gateway.SessionConfig, edit func(*channel.Options), in io.Reader, out io.Writer) result {
	t.Helper()
	r := &rig{t: t, g: serve(t)}
	ch, err := r.dial(c, edit)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan result, 1)
	go func() {
		exit, err := ch.Shell(t.Context(), proxy.Streams{In: in, Out: out}, channel.ShellOptions{})
		done <- result{exit, err}
	}()
	select {
	case got := <-done:
		if r.seen(channel.Lost) > 0 {
			t.Errorf("connection lost: %+v", r.events)
		}
		return got
	case <-time.After(patience):
		ch.Close()
		t.Fatalf("the shell does not end: %+v", <-done)
		return result{}
	}
}

// The end of the input ends whatever reads it, and then the shell.
func TestShellInputEnds(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash")
	}
	interactive := "exec " + bash + " --norc --noprofile\n"
	for name, c := range map[string]struct{ input, want string }{
		"nothing":                   {"", ""},
		"a line":                    {"echo sum=$((20+22))\n", "sum=42"},
		"exit":                      {"echo sum=$((20+22)); exit\n", "sum=42"},
		"half a line":               {"echo sum=$((20+22))", "sum=42"},
		"half a line to bash":       {interactive + "echo sum=$((20+22))", "sum=42"},
		"a program before":          {"cat | tr a-z A-Z\nword\n", "WORD"},
		"a program, half a line":    {"cat | tr a-z A-Z\nword", "WORD"},
		"while a command runs":      {"sleep 1; echo sum=$((20+22))\n", "sum=42"},
		"while bash runs a command": {interactive + "sleep 1; echo sum=$((20+22))\n", "sum=42"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			got := runShell(t, gateway.SessionConfig{Kind: gateway.Shell}, nil, strings.NewReader(c.input), &out)
			if got.err != nil || !strings.Contains(out.String(), c.want) {
				t.Errorf("%+v, %q", got, out.String())
			}
		})
	}
}

// What is typed at once finds the terminal's size.
func TestShellSizeFirst(t *testing.T) {
	for range 20 {
		r := &rig{t: t, g: serve(t)}
		c, err := r.dial(gateway.SessionConfig{Kind: gateway.Shell}, nil)
		if err != nil {
			t.Fatal(err)
		}
		sizes := make(chan wire.Size, 1)
		sizes <- wire.Size{Cols: 91, Rows: 17}
		var out bytes.Buffer
		streams := proxy.Streams{In: strings.NewReader("stty size; exit\n"), Out: &out}
		if _, err := c.Shell(t.Context(), streams, channel.ShellOptions{Sizes: sizes}); err != nil || !strings.Contains(out.String(), "\n17 91") {
			t.Fatalf("%v, %q", err, out.String())
		}
	}
}

// A program that leaves its input unread for long is no reason to end the
// session or its connection, and nothing of the input is lost.
func TestShellPaste(t *testing.T) {
	const size = 1 << 20
	pasted := bytes.Repeat([]byte("0123456789abcdef\x00\xff\x1b[\xc3\xa4 \n"), size/24+1)[:size]
	sum := fmt.Sprintf("got=%x", sha256.Sum256(pasted))
	for name, c := range map[string]struct{ program, want string }{
		"unread":  {"sleep 3; echo got=$(head -c %d | sha256sum)", sum},
		"echoed":  {"echo got=$(head -c %d | tee /dev/tty | sha256sum)", sum},
		"dropped": {"echo got=$(head -c 1000 | wc -c); : %d", "got=1000"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in, keys := io.Pipe()
			out := newScreen()
			go func() {
				fmt.Fprintf(keys, "stty raw -echo; echo re''ady; "+c.program+"; exit\n", size)
				out.await(t, "ready")
				keys.Write(pasted) //nolint:errcheck // the test sees it
			}()
			got := runShell(t, gateway.SessionConfig{Kind: gateway.Shell}, func(o *channel.Options) {
				o.AckTimeout = time.Second
			}, in, out)
			if got.err != nil || !strings.Contains(out.String(), c.want) {
				s := out.String()
				t.Errorf("%+v, ..%q", got, s[max(0, len(s)-100):])
			}
		})
	}
}

// An output that nobody reads does not keep Shell from ending with its context,
// and an output that takes its time gets everything.
func TestShellOutputStalls(t *testing.T) {
	start := func(t *testing.T, commands string) (*rig, *gate, func(context.Context) result) {
		r := &rig{t: t, g: serve(t)}
		c, err := r.dial(gateway.SessionConfig{Kind: gateway.NonInteractiveCommands, Properties: gateway.Properties{
			Linux: &gateway.Commands{Commands: commands}}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.c = c
		out := newGate()
		return r, out, func(ctx context.Context) result {
			exit, err := c.Shell(ctx, proxy.Streams{Out: out}, channel.ShellOptions{})
			return result{exit, err}
		}
	}
	t.Run("for good", func(t *testing.T) {
		r, out, run := start(t, "yes")
		defer close(out.open)
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			<-out.entered
			cancel()
		}()
		if got := run(ctx); got.err == nil {
			t.Errorf("%+v", got)
		}
		<-r.c.Done()
		<-r.s.Done()
	})
	t.Run("for long", func(t *testing.T) {
		r, out, run := start(t, "yes | head -c 3000000")
		go func() {
			<-out.entered
			r.s.Await(t.Context(), func(s gateway.Status) bool { return s.Down.Payload >= 1<<20 }) //nolint:errcheck // the test sees it
			close(out.open)
		}()
		if got := run(t.Context()); got.err != nil || out.b.Len() != 3000000 {
			t.Errorf("%+v, %d bytes", got, out.b.Len())
		}
	})
}

type brokenKeyboard struct{}

func (brokenKeyboard) Read([]byte) (int, error) { return 0, errors.New("out of order") }

// An input that breaks ends the session.
func TestShellInputBreaks(t *testing.T) {
	if got := runShell(t, gateway.SessionConfig{Kind: gateway.Shell}, nil, brokenKeyboard{}, io.Discard); got.err == nil || !strings.Contains(got.err.Error(), "out of order") {
		t.Errorf("%+v", got)
	}
}
