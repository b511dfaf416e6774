package relay

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"ssmguard/cmd/internal/dial"
	"ssmguard/internal/private"
	"ssmguard/proxy"
	"ssmguard/proxy/channel"
	"ssmguard/proxy/door"
	"ssmguard/proxy/plugin"
)

// Tunnel carries sessions of a tunnel with the official plugin. The plugin listens
// on a socket of its own, in a directory that is for its user alone, or, if it is an
// external one, on a port of its own; the tunnel's local end stays ours, and passes its
// connections on.
type Tunnel struct {
	Plugin proxy.Plugin
	// At returns the plugin for a session that listens on the socket; nil if it cannot.
	At    func(socket string) proxy.Plugin
	Door  *door.Door     // the tunnel's local end
	Inlet *channel.Inlet // its connections
	Wait  time.Duration  // for the remote port to answer; 0: no wait
	// Unreached is called when the remote port has not answered within Wait; nil for nothing.
	Unreached func(context.Context)
	Idle      time.Duration // after which a session without connections is ended; 0: never
	Traffic   *dial.Traffic
}

// portGrace is how long the plugin may take to print its port after it is ready.
const portGrace = 5 * time.Second

// Run implements proxy.Plugin.
func (r *Tunnel) Run(ctx context.Context, s *proxy.Session, streams proxy.Streams, ready func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	carrier, socket, undo, err := r.apart()
	if err != nil {
		return err
	}
	defer undo()
	named := make(chan string, 1)
	watch := &plugin.PortWatch{Out: io.Discard, Opened: func(port string) { named <- port }}
	open := make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		ended <- carrier.Run(ctx, s, proxy.Streams{In: streams.In, Out: watch, Err: streams.Err}, func() { close(open) })
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
	network, address := "tcp", net.JoinHostPort("127.0.0.1", port)
	if socket != "" {
		network, address = "unix", socket
	}
	unused := make(chan struct{})
	passing.Go(func() {
		if errors.Is(r.pass(ctx, network, address), proxy.ErrIdle) {
			close(unused)
		}
	})
	if r.Wait > 0 {
		if err := (probe{door: r.Door, remote: s.Spec.RemoteEnd(), wait: r.Wait}).answered(ctx); err != nil {
			if r.Unreached != nil && ctx.Err() == nil {
				r.Unreached(ctx)
			}
			cancel()
			return errors.Join(err, <-ended)
		}
	}
	ready()
	select {
	case err := <-ended:
		return err
	case <-unused:
		cancel()
		<-ended
		return proxy.ErrIdle
	}
}

// longestSocket is the length of a path that every system takes for a socket.
const longestSocket = 100

// apart returns the plugin for one session, and the path of the socket on which it
// listens, "" if it listens on a port. undo removes the socket's directory.
func (r *Tunnel) apart() (carrier proxy.Plugin, socket string, undo func(), err error) {
	if r.At == nil {
		return r.Plugin, "", func() {}, nil
	}
	dir, err := private.MkdirTemp("ssmguard-") // 0700
	if err != nil {
		return nil, "", nil, err
	}
	undo = func() { os.RemoveAll(dir) } //nolint:errcheck // the system clears its directory for temporary files
	if socket = filepath.Join(dir, "s"); len(socket) > longestSocket {
		return r.Plugin, "", undo, nil
	}
	return r.At(socket), socket, undo, nil
}

// port waits for the plugin to open its port. The plugin's end stays in ended.
func (r *Tunnel) port(ctx context.Context, open <-chan struct{}, port <-chan string, ended chan error) (string, error) {
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

// pass passes connections to the plugin until ctx ends, or with proxy.ErrIdle when there were
// none for the idle time.
func (r *Tunnel) pass(ctx context.Context, network, address string) error {
	open := connections{traffic: r.Traffic}
	defer open.wait()
	r.Traffic.Session()
	for {
		conn, err := r.Inlet.AcceptUntilIdle(ctx, open.count, r.Idle)
		if err != nil {
			return err
		}
		open.start(func() { open.relay(ctx, conn, network, address) })
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
func (c *connections) relay(ctx context.Context, conn net.Conn, network, address string) {
	defer conn.Close()
	var dialer net.Dialer
	far, err := dialer.DialContext(ctx, network, address)
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
