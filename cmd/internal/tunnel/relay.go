package tunnel

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"ssmguard/cmd/internal/dial"
	"ssmguard/proxy"
	"ssmguard/proxy/plugin"
)

// relayTunnel carries sessions of a tunnel with the official plugin. The plugin listens
// on a port of its own; the tunnel's local end stays ours, and passes its connections
// on to that port.
type relayTunnel struct {
	plugin  proxy.Plugin
	near    listener
	wait    time.Duration // for the remote port to answer; 0: no wait
	traffic *dial.Traffic
}

// portGrace is how long the plugin may take to print its port after it is ready.
const portGrace = 5 * time.Second

// Run implements proxy.Plugin.
func (r *relayTunnel) Run(ctx context.Context, s *proxy.Session, streams proxy.Streams, ready func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	named := make(chan string, 1)
	watch := &plugin.PortWatch{Out: io.Discard, Opened: func(port string) { named <- port }}
	open := make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		ended <- r.plugin.Run(ctx, s, proxy.Streams{In: streams.In, Out: watch, Err: streams.Err}, func() { close(open) })
	}()
	port, err := r.port(ctx, open, named, ended)
	if err != nil {
		cancel()
		<-ended
		return err
	}
	var passing sync.WaitGroup
	defer passing.Wait()
	defer cancel()
	passing.Go(func() { r.pass(ctx, net.JoinHostPort("127.0.0.1", port)) })
	if r.wait > 0 {
		if err := (probe{door: r.near.door, wait: r.wait}).answered(ctx); err != nil {
			cancel()
			return errors.Join(err, <-ended)
		}
	}
	ready()
	return <-ended
}

// port waits for the plugin to open its port. The plugin's end stays in ended.
func (r *relayTunnel) port(ctx context.Context, open <-chan struct{}, port <-chan string, ended chan error) (string, error) {
	var late <-chan time.Time
	for {
		select {
		case p := <-port:
			return p, nil
		case <-open:
			open, late = nil, time.After(portGrace)
		case err := <-ended:
			ended <- err
			if err == nil && ctx.Err() == nil {
				err = proxy.ErrEnded
			}
			return "", err
		case <-late:
			return "", errors.New("the plugin did not say which port it opened")
		}
	}
}

// pass passes connections to the plugin until ctx ends.
func (r *relayTunnel) pass(ctx context.Context, address string) {
	open := connections{traffic: r.traffic}
	defer open.wait()
	r.traffic.Session()
	for {
		conn, err := r.near.inlet.Accept(ctx, open.count)
		if err != nil {
			return
		}
		open.start(func() { open.relay(ctx, conn, address) })
	}
}

// connections counts the open connections.
type connections struct {
	traffic *dial.Traffic
	open    atomic.Int32
	wg      sync.WaitGroup
}

func (c *connections) count() int { return int(c.open.Load()) }

func (c *connections) start(carry func()) {
	c.open.Add(1)
	c.traffic.Connection(1)
	c.wg.Go(func() {
		defer c.traffic.Connection(-1)
		defer c.open.Add(-1)
		carry()
	})
}

func (c *connections) wait() { c.wg.Wait() }

// relay copies between a connection and an address until both directions have ended.
func (c *connections) relay(ctx context.Context, conn net.Conn, address string) {
	defer conn.Close()
	var dialer net.Dialer
	far, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return
	}
	defer far.Close()
	defer context.AfterFunc(ctx, func() { conn.Close(); far.Close() })()
	var both sync.WaitGroup
	both.Go(func() { copyHalf(far, conn, c.traffic.Up) })
	both.Go(func() { copyHalf(conn, far, c.traffic.Down) })
	both.Wait()
}

// copyHalf copies one direction and passes on its end.
func copyHalf(to, from net.Conn, count func([]byte)) {
	if _, err := io.Copy(to, io.TeeReader(from, counter(count))); err != nil {
		to.Close()
		from.Close()
		return
	}
	if c, ok := to.(interface{ CloseWrite() error }); ok {
		c.CloseWrite() //nolint:errcheck // closed already
		return
	}
	to.Close()
}

// counter is a writer that counts bytes.
type counter func([]byte)

// Write implements io.Writer.
func (c counter) Write(b []byte) (int, error) {
	c(b)
	return len(b), nil
}
