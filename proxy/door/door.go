package door

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"ssmguard/internal/nettext"
	"ssmguard/internal/peer"
)

// Door is a net.Listener for all addresses of a tunnel's local end.
type Door struct {
	listeners []net.Listener
	conns     chan net.Conn
	closed    chan struct{}
	once      sync.Once
	wg        sync.WaitGroup
	remove    func() // removes the files of a unix socket
	options   Options
	network   network
	refused   atomic.Int64
	unknown   atomic.Bool // peer.ErrUnknown was passed on
}

// Options say who may connect.
type Options struct {
	// Remote allows an address that other machines can reach.
	Remote bool
	// AnyPeer admits every user of this machine. Otherwise a connection over loopback is
	// admitted if it is of our own user or of root, as far as the system tells it.
	AnyPeer bool
	// Peer gets the error of peer.Check for each connection that is refused, and once
	// peer.ErrUnknown, for those that are admitted because the system does not tell whose
	// they are. It must not wait. nil: nothing is passed on.
	Peer func(error)
}

// RemoteError is an address that other machines can reach, which was not allowed.
type RemoteError struct{ Address string }

// Error names the address.
func (e *RemoteError) Error() string {
	return fmt.Sprintf("%s can be reached from other machines", e.Address)
}

// InUseError is an address on which another process listens.
type InUseError struct {
	Address string
	Holder  string // "postgres (pid 123)", or "" when it is not known
	Hint    string // the command that tells the holder, "" for none
}

// Error names the address and its holder, or how to find it.
func (e *InUseError) Error() string {
	switch {
	case e.Holder != "":
		return fmt.Sprintf("%s is in use by %s", e.Address, e.Holder)
	case e.Hint != "":
		return fmt.Sprintf("%s is in use (%q tells by what)", e.Address, e.Hint)
	}
	return fmt.Sprintf("%s is in use", e.Address)
}

// Open listens on an address: HOST:PORT, unix:PATH, or "" for any free port. A host
// that is empty or localhost stands for 127.0.0.1 and ::1 on the same port. A unix socket is for its owner only; a socket
// without a listener is replaced. Errors are *RemoteError, *InUseError or the system's.
func Open(address string, opt Options) (*Door, error) {
	return openOn(thisNetwork(), address, opt)
}

// Listen listens on one address, HOST:PORT, that is free: no other program listens there,
// on all addresses or in another way that the system would let us shadow.
func Listen(address string) (net.Listener, error) { return thisNetwork().open(address) }

func openOn(n network, address string, opt Options) (*Door, error) {
	d := &Door{conns: make(chan net.Conn), closed: make(chan struct{}), remove: func() {}, options: opt, network: n}
	if err := d.open(address); err != nil {
		return nil, err
	}
	for _, l := range d.listeners {
		d.wg.Go(func() { d.accept(l) })
	}
	return d, nil
}

func (d *Door) open(address string) error {
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		return d.openSocket(path)
	}
	if address == "" {
		address = ":0"
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	if host == "" || host == "localhost" {
		return d.openLoopback(port)
	}
	if ip := net.ParseIP(host); !d.options.Remote && (ip == nil || !ip.IsLoopback()) {
		return &RemoteError{address}
	}
	l, err := d.network.open(address)
	if err != nil {
		return err
	}
	d.listeners = []net.Listener{l}
	return nil
}

// samePort is the number of attempts to find a port that is free on both 127.0.0.1 and
// ::1.
const samePort = 16

// openLoopback listens on both loopback addresses, or on one if the machine has no
// other.
func (d *Door) openLoopback(port string) error {
	for try := 1; ; try++ {
		four, err := d.network.open(net.JoinHostPort("127.0.0.1", port))
		if nettext.NoAddress(err) {
			six, onSix := d.network.open(net.JoinHostPort("::1", port))
			if nettext.NoAddress(onSix) {
				return err
			}
			d.listeners = []net.Listener{six}
			return onSix
		}
		if err != nil {
			return err
		}
		number := strconv.Itoa(four.Addr().(*net.TCPAddr).Port)
		six, err := d.network.open(net.JoinHostPort("::1", number))
		var taken *InUseError
		switch {
		case err == nil:
			d.listeners = []net.Listener{four, six}
			return nil
		case !errors.As(err, &taken) && !nettext.Denied(err):
			d.listeners = []net.Listener{four} // this machine has no IPv6
			return nil
		}
		four.Close()
		if port != "0" || try == samePort {
			return err
		}
	}
}

func errnoOf(err error) (number syscall.Errno, ok bool) {
	ok = errors.As(err, &number)
	return number, ok
}

// accept passes on the connections to one of the addresses until it is closed. Other
// faults, such as a lack of file descriptors, are expected to pass.
func (d *Door) accept(l net.Listener) {
	for pause := time.Duration(0); ; {
		conn, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			select {
			case <-time.After(pause):
			case <-d.closed:
			}
			continue
		}
		pause = 0
		if !d.admits(conn) {
			continue
		}
		select {
		case d.conns <- conn:
		case <-d.closed:
			conn.Close()
		}
	}
}

// admits reports whether a connection may be passed on; otherwise it is closed. It is
// asked at once, because the other end is known only while it is open.
func (d *Door) admits(conn net.Conn) bool {
	if d.options.AnyPeer || isRemote(conn) {
		return true
	}
	err := peer.Check(conn)
	if err == nil {
		return true
	}
	unknown := errors.Is(err, peer.ErrUnknown)
	if !unknown {
		d.refused.Add(1)
		if tcp, ok := conn.(*net.TCPConn); ok {
			tcp.SetLinger(0) //nolint:errcheck // a connection that is broken already
		}
		conn.Close()
	}
	if d.options.Peer != nil && !(unknown && d.unknown.Swap(true)) {
		d.options.Peer(err)
	}
	return unknown
}

// isRemote reports whether a connection came by another way than loopback, which
// Options.Remote has allowed.
func isRemote(conn net.Conn) bool {
	from, ok := conn.RemoteAddr().(*net.TCPAddr)
	return ok && !from.IP.IsLoopback()
}

// Refused returns the number of connections that were refused because of their user.
func (d *Door) Refused() int { return int(d.refused.Load()) }

// Accept returns the next connection to any of the addresses, or of Dial.
func (d *Door) Accept() (net.Conn, error) {
	select {
	case conn := <-d.conns:
		return conn, nil
	case <-d.closed:
		return nil, net.ErrClosed
	}
}

// Dial makes a connection within the process, as if a client had connected.
func (d *Door) Dial(ctx context.Context) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case d.conns <- theirs:
		return ours, nil
	case <-d.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// Close stops listening and returns when the door's goroutines have ended. Accepted
// connections stay open.
func (d *Door) Close() error {
	var errs []error
	d.once.Do(func() {
		close(d.closed)
		for _, l := range d.listeners {
			errs = append(errs, l.Close())
		}
		d.wg.Wait()
		d.remove()
	})
	return errors.Join(errs...)
}

// Addr returns the first address.
func (d *Door) Addr() net.Addr { return d.listeners[0].Addr() }

// String returns the address to connect to: HOST:PORT or unix:PATH.
func (d *Door) String() string {
	if a := d.Addr(); a.Network() == "tcp" {
		return a.String()
	}
	return "unix:" + d.listeners[0].(*socket).path
}
