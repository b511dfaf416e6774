package gateway

import (
	"context"
	"io"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/xtaci/smux"

	"ssmguard/proxy/channel/wire"
)

// Versions after which the behaviour differs; see newer.
const (
	muxAgent      = "3.0.196.0"  // agents above it multiplex
	muxClient     = "1.1.69.0"   // clients above it understand that
	quietMuxAbove = "1.2.331.0"  // clients above it need no keepalive
	quietMuxAgent = "3.1.1511.0" // agents above it know that
	currentAgent  = "3.3.4851.0" // the first that forwards to fewer remote hosts, see forbidden
)

// newPort makes the worker of a port session: multiplexed, for one connection at
// a time, or for a single connection (ssh).
func (a *agent) newPort() (*worker, error) {
	p := a.s.cfg.Properties
	if p.Host != "" && !newer(currentAgent, a.s.cfg.AgentVersion) && forbidden(p.Host) {
		return nil, verbatim("Forwarding to IP address " + p.Host + " is forbidden.")
	}
	if p.Type == localForwarding && newer(a.s.cfg.AgentVersion, muxAgent) && newer(a.client, muxClient) {
		return a.newMux()
	}
	return a.newBasic(p.Type == localForwarding)
}

// forbidden reports whether agents of today refuse a remote host: loopback, which is the
// instance itself, and the addresses that give instances, tasks and pods their credentials.
func forbidden(host string) bool {
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return strings.EqualFold(strings.TrimSuffix(host, "."), "localhost")
	}
	ip = ip.Unmap().WithZone("")
	return ip.IsLoopback() || slices.Contains(credentialAddresses, ip.String())
}

var credentialAddresses = []string{"169.254.169.254", "169.254.170.2", "169.254.170.23", "fd00:ec2::254", "fd00:ec2::23"}

// dial connects to the port that the session is for.
func (a *agent) dial() (net.Conn, error) {
	p := a.s.cfg.Properties
	host := or(p.Host, "localhost")
	a.s.update(func(st *Status) { st.Dials++ })
	conn, err := a.s.cfg.Dial(a.ctx, host, p.PortNumber)
	if err != nil {
		a.s.tell("dial", err.Error())
		return nil, err
	}
	a.s.tell("dial", net.JoinHostPort(host, p.PortNumber))
	a.s.update(func(st *Status) { st.Streams++ })
	return &counted{Conn: conn, gone: sync.OnceFunc(func() {
		a.s.update(func(st *Status) { st.Streams-- })
	})}, nil
}

// counted is a connection that reports its end.
type counted struct {
	net.Conn
	gone func()
}

func (c *counted) Close() error {
	defer c.gone()
	return c.Conn.Close()
}

// newMux makes the worker of a multiplexed port: an smux server whose transport
// is the data channel; each of its streams is one connection to the port.
func (a *agent) newMux() (*worker, error) {
	config := smux.DefaultConfig()
	config.KeepAliveDisabled = newer(a.client, quietMuxAbove) && newer(a.s.cfg.AgentVersion, quietMuxAgent)
	fromClient, toMux := io.Pipe()
	mux, err := smux.Server(&muxTransport{fromClient, &sayer{a: a, t: wire.PayloadOutput}}, config)
	if err != nil {
		return nil, err
	}
	return &worker{
		run: func() string {
			var streams sync.WaitGroup
			for {
				stream, err := mux.AcceptStream()
				if err != nil {
					break
				}
				streams.Go(func() { a.serve(stream) })
			}
			mux.Close()
			streams.Wait()
			return ""
		},
		input: func(t wire.PayloadType, p []byte) {
			if t == wire.PayloadOutput {
				toMux.Write(p)
			}
		},
		stop: func() { fromClient.Close(); mux.Close() },
	}, nil
}

// muxTransport reads from the client's messages and writes messages to it.
type muxTransport struct {
	*io.PipeReader
	io.Writer
}

// serve joins one stream with one new connection. As with the real agent, an end
// in either direction ends both.
func (a *agent) serve(stream *smux.Stream) {
	defer stream.Close()
	conn, err := a.dial()
	if a.ctx.Err() != nil { // nothing tells of an attempt that the session's end cuts short
		return
	}
	if err != nil {
		a.say(wire.PayloadFlag, wire.AppendFlag(nil, wire.ConnectToPortError))
		return
	}
	defer conn.Close()
	undo := context.AfterFunc(a.ctx, func() { conn.Close(); stream.Close() })
	defer undo()
	var back sync.WaitGroup
	back.Go(func() {
		io.Copy(stream, conn)
		stream.Close()
	})
	io.Copy(conn, stream)
	conn.Close()
	back.Wait()
}

// basic is a port session that holds one connection at a time.
type basic struct {
	a       *agent
	redials bool // forwarding dials again for the next client, ssh does not

	mu     sync.Mutex
	conn   net.Conn // nil between connections
	over   bool
	dialed chan net.Conn // wakes the reader after a new dial
}

// newBasic makes the worker of such a session; the agent dials at once.
func (a *agent) newBasic(redials bool) (*worker, error) {
	conn, err := a.dial()
	if err != nil {
		return nil, verbatim("Unable to connect to specified port: " + err.Error())
	}
	b := &basic{a: a, redials: redials, conn: conn, dialed: make(chan net.Conn, 1)}
	b.dialed <- conn
	return &worker{run: b.run, input: b.input, stop: b.stop}, nil
}

// run copies from the port to the client, one connection after the other. The client is
// not notified of the end of a forwarded connection: it has to hang up itself.
func (b *basic) run() string {
	buf := make([]byte, chunk)
	for {
		var conn net.Conn
		select {
		case conn = <-b.dialed:
		case <-b.a.ctx.Done():
			return ""
		}
		for {
			n, err := conn.Read(buf)
			if n > 0 && b.a.say(wire.PayloadOutput, buf[:n]) != nil {
				return ""
			}
			if err != nil {
				break
			}
		}
		if !b.redials {
			conn.Close()
			return ""
		}
	}
}

// input writes to the port, with a new connection if the client hung up the last one.
func (b *basic) input(t wire.PayloadType, p []byte) {
	switch t {
	case wire.PayloadFlag:
		if f, ok := wire.ParseFlag(p); ok && f == wire.DisconnectToPort {
			b.hangUp()
		}
	case wire.PayloadOutput:
		if conn := b.current(); conn != nil {
			conn.Write(p)
		}
	}
}

func (b *basic) current() net.Conn {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.conn == nil && b.redials && !b.over {
		conn, err := b.a.dial()
		if err != nil {
			b.a.s.end("far port gone", "Unable to connect to specified port: "+err.Error())
			return nil
		}
		b.conn = conn
		select {
		case b.dialed <- conn:
		case <-b.a.ctx.Done():
		}
	}
	return b.conn
}

func (b *basic) hangUp() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.conn != nil {
		b.conn.Close()
		b.conn = nil
	}
}

func (b *basic) stop() {
	b.hangUp()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.over = true
}

// newer compares versions as agent and plugin do: strictly greater, the same number of
// parts, and text that is not a version is old.
func newer(version, than string) bool {
	v, t := numbers(version), numbers(than)
	return len(v) == len(t) && slices.Compare(v, t) > 0
}

func numbers(version string) (parts []int) {
	for part := range strings.SplitSeq(version, ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			return nil
		}
		parts = append(parts, n)
	}
	return parts
}
