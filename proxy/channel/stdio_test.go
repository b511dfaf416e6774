package channel_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"ssmguard/internal/sandbox/gateway"
	"ssmguard/proxy/channel"
)

// sshSession is a session over stdin and stdout to a server of the test.
func sshSession(server net.Listener) gateway.SessionConfig {
	c := config(server)
	c.Properties.Type = ""
	return c
}

// gate is a reader's end of a pipe that is not read until it is opened.
type gate struct {
	open    chan struct{}
	entered chan struct{} // closed at the first Write
	b       bytes.Buffer
	once    bool
}

func newGate() *gate { return &gate{open: make(chan struct{}), entered: make(chan struct{})} }

func (g *gate) Write(b []byte) (int, error) {
	if !g.once {
		g.once = true
		close(g.entered)
	}
	<-g.open
	return g.b.Write(b)
}

// What the far side has sent before it closed reaches an output that takes its time.
func TestStdioSlowOutput(t *testing.T) {
	want := noise(4, 1<<20)
	r := &rig{t: t, g: serve(t)}
	c, err := r.dial(sshSession(listen(t, func(c *net.TCPConn) { c.Write(want) })), nil) //nolint:errcheck // the test sees what is missing
	if err != nil {
		t.Fatal(err)
	}
	in, keys := io.Pipe()
	defer keys.Close()
	out := newGate()
	go func() {
		<-c.Done()
		close(out.open)
	}()
	if err := c.Stdio(t.Context(), in, out); err != nil || !bytes.Equal(out.b.Bytes(), want) {
		t.Errorf("%v, %d of %d bytes", err, out.b.Len(), len(want))
	}
}

// An output that nobody reads does not keep Stdio from ending with its context.
func TestStdioStalledOutput(t *testing.T) {
	r := &rig{t: t, g: serve(t)}
	c, err := r.dial(sshSession(listen(t, func(c *net.TCPConn) { io.Copy(c, endless{}) })), nil) //nolint:errcheck // cut off
	if err != nil {
		t.Fatal(err)
	}
	in, keys := io.Pipe()
	defer keys.Close()
	out := newGate()
	defer close(out.open)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-out.entered
		cancel()
	}()
	ended := make(chan error, 1)
	go func() { ended <- c.Stdio(ctx, in, out) }()
	select {
	case <-ended:
	case <-time.After(patience):
		t.Fatal("Stdio does not end")
	}
	<-c.Done()
}

// endless reads as zeros for ever.
type endless struct{}

func (endless) Read(b []byte) (int, error) { return len(b), nil }

// The end of the context ends Forward although a connection does not read.
func TestForwardStalledReader(t *testing.T) {
	r := newRig(t, config(listen(t, func(c *net.TCPConn) { io.Copy(c, endless{}) })), func(o *channel.Options) { o.Buffer = 4 << 20 }) //nolint:errcheck // cut off
	conn := r.connect()
	if _, err := io.ReadFull(conn, make([]byte, 1<<10)); err != nil {
		t.Fatal(err)
	}
	for r.c.Stats().Buffered < 4<<20 {
		select {
		case <-time.After(time.Millisecond):
		case <-t.Context().Done():
			t.Fatal("the buffer does not fill")
		}
	}
	r.cancel()
	select {
	case err := <-r.forward:
		r.forward <- nil
		if err != nil && !errors.Is(err, channel.ErrClosed) {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Fatal("Forward does not end")
	}
}
