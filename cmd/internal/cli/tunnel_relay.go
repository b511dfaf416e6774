package cli

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"ssmguard/proxy"
	"ssmguard/proxy/channel"
)

// relayTunnel carries sessions of a tunnel with the official plugin. The plugin
// listens on a port of its own choice; the tunnel's local end stays ours, and
// its connections are passed on.
type relayTunnel struct {
	plugin proxy.Plugin
	inlet  *channel.Inlet
}

// portGrace is how long the plugin may take to name its port after it is ready.
const portGrace = 5 * time.Second

// Run implements proxy.Plugin.
func (r *relayTunnel) Run(ctx context.Context, s *proxy.Session, streams proxy.Streams, ready func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	watch := &portWatch{out: io.Discard, port: make(chan string, 1)}
	open := make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		ended <- r.plugin.Run(ctx, s, proxy.Streams{In: streams.In, Out: watch, Err: streams.Err}, func() { close(open) })
	}()
	port, err := r.port(ctx, open, watch.port, ended)
	if err != nil {
		return err
	}
	ready()
	var passing sync.WaitGroup
	passing.Go(func() { r.pass(ctx, net.JoinHostPort("127.0.0.1", port)) })
	err = <-ended
	cancel()
	passing.Wait()
	return err
}

// port waits for the plugin to open its port.
func (r *relayTunnel) port(ctx context.Context, open <-chan struct{}, port <-chan string, ended chan error) (string, error) {
	var late <-chan time.Time
	for {
		select {
		case p := <-port:
			return p, nil
		case <-open:
			open, late = nil, time.After(portGrace)
		case err := <-ended:
			if err == nil && ctx.Err() == nil {
				err = proxy.ErrEnded
			}
			return "", err
		case <-late:
			return "", errors.New("the plugin did not say which port it opened")
		}
	}
}

// pass hands connections to the plugin until ctx ends.
func (r *relayTunnel) pass(ctx context.Context, address string) {
	var open connections
	defer open.wait()
	for {
		conn, err := r.inlet.Accept(ctx, open.count)
		if err != nil {
			return
		}
		open.start(func() { relay(ctx, conn, address) })
	}
}

// connections counts those that are being carried.
type connections struct {
	mu sync.Mutex
	n  int
	wg sync.WaitGroup
}

func (c *connections) add(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n += n
}

func (c *connections) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

func (c *connections) start(carry func()) {
	c.add(1)
	c.wg.Go(func() {
		defer c.add(-1)
		carry()
	})
}

func (c *connections) wait() { c.wg.Wait() }

// relay joins a connection to an address until both directions are over.
func relay(ctx context.Context, conn net.Conn, address string) {
	defer conn.Close()
	var dialer net.Dialer
	far, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return
	}
	defer far.Close()
	defer context.AfterFunc(ctx, func() { conn.Close(); far.Close() })()
	var both sync.WaitGroup
	both.Go(func() { half(far, conn) })
	both.Go(func() { half(conn, far) })
	both.Wait()
}

// half copies one direction and passes its end on.
func half(to, from net.Conn) {
	if _, err := io.Copy(to, from); err != nil {
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
