package channel_test

import (
	"io"
	"net"
	"path/filepath"
	"testing"
	"time"

	"ssmguard/proxy/channel"
)

// A program that has closed one half gets the rest of an answer that pauses for
// longer than an unknown one would be waited for.
func TestHalfClosedProgramIsWaitedFor(t *testing.T) {
	const answered = 500 * time.Millisecond // a program that is known to wait gets fifteen times that
	r := newRig(t, config(listen(t, func(c *net.TCPConn) {
		io.ReadFull(c, make([]byte, 3)) //nolint:errcheck // the client sees what is missing
		for _, word := range []string{"one ", "two"} {
			io.WriteString(c, word) //nolint:errcheck // likewise
			<-time.After(3 * answered)
		}
	})), func(o *channel.Options) { o.Answered = answered })
	conn := r.connect()
	conn.SetDeadline(time.Now().Add(patience)) //nolint:errcheck // the read fails then
	if _, err := conn.Write([]byte("ask")); err != nil {
		t.Fatal(err)
	}
	conn.CloseWrite() //nolint:errcheck // the far side would see it in the answer
	if got, err := io.ReadAll(conn); string(got) != "one two" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

// A program that is gone is not waited for: what it sent arrives, and the far
// connection ends at once. That holds for local sockets of both kinds.
func TestClosedProgramIsNotWaitedFor(t *testing.T) {
	for name, listener := range map[string]func() (net.Listener, error){
		"tcp":  func() (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") },
		"tcp6": func() (net.Listener, error) { return net.Listen("tcp", "[::1]:0") },
		"unix": func() (net.Listener, error) { return net.Listen("unix", filepath.Join(t.TempDir(), "s")) },
	} {
		t.Run(name, func(t *testing.T) {
			l, err := listener()
			if err != nil {
				t.Skip(err) // no IPv6
			}
			got := make(chan []byte, 1)
			r := &rig{t: t, g: serve(t)}
			c, err := r.dial(config(listen(t, func(c *net.TCPConn) {
				b, _ := io.ReadAll(c) //nolint:errcheck // what came is compared
				got <- b
			})), func(o *channel.Options) { o.Answered, o.Unanswered = time.Hour, time.Hour })
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			in := channel.NewInlet(l)
			defer in.Close()
			go c.Forward(t.Context(), in, channel.ForwardOptions{}) //nolint:errcheck // ends with the channel
			conn, err := net.Dial(l.Addr().Network(), l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			conn.Write([]byte("all of it")) //nolint:errcheck // compared below
			conn.Close()
			select {
			case b := <-got:
				if string(b) != "all of it" {
					t.Errorf("the far side got %q", b)
				}
			case <-time.After(patience):
				t.Error("the far connection is still open")
			}
		})
	}
}
