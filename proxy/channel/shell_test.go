package channel_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"ssmguard/internal/sandbox/gateway"
	"ssmguard/proxy"
	"ssmguard/proxy/channel"
	"ssmguard/proxy/channel/wire"
)

// screen is a terminal's output that tests can wait for.
type screen struct {
	mu   sync.Mutex
	b    bytes.Buffer
	more chan struct{}
}

func newScreen() *screen { return &screen{more: make(chan struct{}, 1)} }

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case s.more <- struct{}{}:
	default:
	}
	return s.b.Write(b)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func (s *screen) await(t *testing.T, text string) {
	t.Helper()
	limit := time.After(patience)
	for !strings.Contains(s.String(), text) {
		select {
		case <-s.more:
		case <-limit:
			t.Fatalf("no %q in %q", text, s.String())
		}
	}
}

// terminal is a running Shell.
type terminal struct {
	r        *rig
	keys     *io.PipeWriter
	out, err *screen
	sizes    chan wire.Size
	done     chan result
}

type result struct {
	exit int
	err  error
}

func newTerminal(t *testing.T, c gateway.SessionConfig, edit func(*channel.Options), opt channel.ShellOptions) *terminal {
	t.Helper()
	r := &rig{t: t, g: serve(t)}
	ch, err := r.dial(c, edit)
	if err != nil {
		t.Fatal(err)
	}
	r.c = ch
	in, keys := io.Pipe()
	x := &terminal{r: r, keys: keys, out: newScreen(), err: newScreen(), sizes: make(chan wire.Size, 1), done: make(chan result, 1)}
	opt.Sizes = x.sizes
	go func() {
		exit, err := ch.Shell(context.Background(), proxy.Streams{In: in, Out: x.out, Err: x.err}, opt)
		x.done <- result{exit, err}
	}()
	t.Cleanup(func() { ch.Close() })
	return x
}

func (x *terminal) press(keys string) { x.keys.Write([]byte(keys)) } //nolint:errcheck // the test sees it

func (x *terminal) end(t *testing.T) result {
	t.Helper()
	select {
	case r := <-x.done:
		return r
	case <-time.After(patience):
		t.Fatal("the shell does not end")
		return result{}
	}
}

func TestShell(t *testing.T) {
	x := newTerminal(t, gateway.SessionConfig{Kind: gateway.Shell}, nil, channel.ShellOptions{})
	x.sizes <- wire.Size{Cols: 91, Rows: 17}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := x.r.s.Await(ctx, func(st gateway.Status) bool { return st.Cols == 91 }); err != nil {
		t.Fatal(err)
	}
	x.press("stty size; echo sum=$((20+22)) äöü\r")
	x.out.await(t, "17 91")
	x.out.await(t, "sum=42 äöü")
	x.r.s.Cut(gateway.CutRST)
	x.press("echo alive=$((2+2))\r")
	x.out.await(t, "alive=4")
	x.press("exit\r")
	if r := x.end(t); r.exit != 0 || r.err != nil {
		t.Errorf("%+v", r)
	}
}

// Ctrl-C is a byte like any other, and does its work at the far end.
func TestShellInterrupt(t *testing.T) {
	x := newTerminal(t, gateway.SessionConfig{Kind: gateway.InteractiveCommands, Properties: gateway.Properties{
		Linux: &gateway.Commands{Commands: `trap 'echo interrupted; exit' INT; echo go; while :; do read x; done`}}}, nil, channel.ShellOptions{})
	x.out.await(t, "go")
	x.press("\x03")
	x.out.await(t, "interrupted")
	if r := x.end(t); r.err != nil {
		t.Errorf("%+v", r)
	}
}

// The end of input lets what is still on its way come through, which the plugin cuts off.
func TestShellEndOfInput(t *testing.T) {
	c := gateway.SessionConfig{Kind: gateway.Shell}
	c.Faults.Up.Delay, c.Faults.Down.Delay = 100*time.Millisecond, 100*time.Millisecond
	x := newTerminal(t, c, nil, channel.ShellOptions{})
	x.press("echo sum=$((20+22))\n")
	x.keys.Close()
	if r := x.end(t); r.err != nil || !strings.Contains(x.out.String(), "sum=42") {
		t.Errorf("%+v, %q", r, x.out.String())
	}
}

func TestShellEscape(t *testing.T) {
	x := newTerminal(t, gateway.SessionConfig{Kind: gateway.Shell}, nil, channel.ShellOptions{Escape: '~'})
	x.press("echo a~.b\r")
	x.out.await(t, "a~.b")
	x.press("~.")
	if r := x.end(t); !errors.Is(r.err, channel.ErrEscaped) {
		t.Errorf("%+v", r)
	}
}

func TestCommand(t *testing.T) {
	x := newTerminal(t, gateway.SessionConfig{Kind: gateway.NonInteractiveCommands, CustomerMessage: "welcome",
		Properties: gateway.Properties{Linux: &gateway.Commands{Commands: "echo to out; echo to err >&2; exit 7", SeparateOutputStream: true}}}, nil, channel.ShellOptions{})
	if r := x.end(t); r.exit != 7 || r.err != nil || x.out.String() != "to out\n" || x.err.String() != "to err\n" {
		t.Errorf("%+v, out %q, err %q", r, x.out.String(), x.err.String())
	}
	if x.r.seen(channel.Message) != 1 || x.r.c.Info().CustomerMessage != "welcome" {
		t.Errorf("events %+v", x.r.events)
	}
}

func TestShellEncrypted(t *testing.T) {
	key := noise(9, 64)
	var got map[string]string
	g, err := gateway.New(gateway.Options{Decrypt: func(_ context.Context, id string, sealed []byte, c map[string]string) ([]byte, error) {
		if id != "key-1" || string(sealed) != "sealed" {
			return nil, errors.New("wrong key")
		}
		got = c
		return key, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	go g.Serve(t.Context()) //nolint:errcheck // closed below
	defer g.Close()
	r := &rig{t: t, g: g}
	c, err := r.dial(gateway.SessionConfig{Kind: gateway.Shell, KMSKeyID: "key-1", Target: "i-9"}, func(o *channel.Options) {
		o.GenerateDataKey = func(_ context.Context, id string, c map[string]string) ([]byte, []byte, error) {
			if id != "key-1" || c["aws:ssm:TargetId"] != "i-9" || c["aws:ssm:SessionId"] != o.Session.ID {
				t.Errorf("data key of %s for %v", id, c)
			}
			return key, []byte("sealed"), nil
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if !c.Info().Encrypted {
		t.Error("not encrypted")
	}
	out := newScreen()
	exit, err := c.Shell(t.Context(), proxy.Streams{In: strings.NewReader("echo sum=$((20+22))\r"), Out: out}, channel.ShellOptions{})
	if exit != 0 || err != nil || !strings.Contains(out.String(), "sum=42") {
		t.Errorf("%d, %v, %q", exit, err, out.String())
	}
	if got["aws:ssm:TargetId"] != "i-9" {
		t.Errorf("agent's context %v", got)
	}
}

func TestShellIdleTimeout(t *testing.T) {
	x := newTerminal(t, gateway.SessionConfig{Kind: gateway.Shell}, nil, channel.ShellOptions{})
	x.r.s.Finish("Your session timed out due to inactivity.")
	var closed *channel.ClosedError
	if r := x.end(t); !errors.As(r.err, &closed) || closed.Output == "" {
		t.Errorf("%+v", r)
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// An output that is gone ends the session.
func TestShellOutputBreaks(t *testing.T) {
	r := &rig{t: t, g: serve(t)}
	c, err := r.dial(gateway.SessionConfig{Kind: gateway.Shell}, nil)
	if err != nil {
		t.Fatal(err)
	}
	in, keys := io.Pipe()
	defer keys.Close()
	if _, err := c.Shell(t.Context(), proxy.Streams{In: in, Out: brokenPipe{}}, channel.ShellOptions{}); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("%v", err)
	}
}
