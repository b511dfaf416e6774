package door

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Door is a net.Listener for all addresses of a tunnel's local end.
type Door struct {
	listeners []net.Listener
	conns     chan net.Conn
	closed    chan struct{}
	once      sync.Once
	wg        sync.WaitGroup
	remove    func() // removes the files of a unix socket
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
}

// Error names the address and its holder.
func (e *InUseError) Error() string {
	if e.Holder == "" {
		return fmt.Sprintf("%s is in use", e.Address)
	}
	return fmt.Sprintf("%s is in use by %s", e.Address, e.Holder)
}

// Open listens on an address: HOST:PORT, unix:PATH, or "" for any free port. A host
// that is empty or localhost stands for 127.0.0.1 and ::1 on the same port. Addresses
// that are not loopback need allowRemote. A unix socket is for its owner only; a socket
// without a listener is replaced. Errors are *RemoteError, *InUseError or the system's.
func Open(address string, allowRemote bool) (*Door, error) {
	d := &Door{conns: make(chan net.Conn), closed: make(chan struct{}), remove: func() {}}
	if err := d.open(address, allowRemote); err != nil {
		return nil, err
	}
	for _, l := range d.listeners {
		d.wg.Go(func() { d.accept(l) })
	}
	return d, nil
}

func (d *Door) open(address string, allowRemote bool) error {
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
	if ip := net.ParseIP(host); !allowRemote && (ip == nil || !ip.IsLoopback()) {
		return &RemoteError{address}
	}
	l, err := listen(address)
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
		four, err := listen(net.JoinHostPort("127.0.0.1", port))
		if err != nil {
			return err
		}
		number := strconv.Itoa(four.Addr().(*net.TCPAddr).Port)
		six, err := listen(net.JoinHostPort("::1", number))
		var taken *InUseError
		switch {
		case err == nil:
			d.listeners = []net.Listener{four, six}
			return nil
		case !errors.As(err, &taken):
			d.listeners = []net.Listener{four} // this machine has no IPv6
			return nil
		}
		four.Close()
		if port != "0" || try == samePort {
			return err
		}
	}
}

func listen(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	var errno syscall.Errno
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, &InUseError{address, holder(address)}
	case errors.As(err, &errno):
		return nil, fmt.Errorf("cannot listen on %s: %w", address, errno)
	}
	return l, err
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
		select {
		case d.conns <- conn:
		case <-d.closed:
			conn.Close()
		}
	}
}

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
