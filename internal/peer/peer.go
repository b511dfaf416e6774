package peer

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/user"
	"strconv"
)

// ErrUnknown means that the system does not tell whose the other end is: it is not
// Linux, it refuses the question (a seccomp filter, a kernel without socket diagnosis),
// or the other end is on another machine.
var ErrUnknown = errors.New("the system does not tell whose a connection is")

// ErrGone means that the other end was closed before it could be asked about. Kernels
// before 6.17 report such a socket as root's, so it must not be taken for known.
var ErrGone = errors.New("the connection was closed before it could be told whose it is")

// ErrHidden means that the connection is open and no socket of this machine is its other
// end: a rule of the firewall has redirected it.
var ErrHidden = errors.New("the connection was redirected, so it cannot be told whose it is")

// ForeignError is a connection of another user.
type ForeignError struct{ UID int }

// Error names the user, by name as well if the system knows one.
func (e *ForeignError) Error() string {
	who := "uid " + strconv.Itoa(e.UID)
	if u, err := user.LookupId(strconv.Itoa(e.UID)); err == nil && u.Username != "" {
		who += fmt.Sprintf(" (%s)", u.Username)
	}
	return "the connection is from " + who
}

// Check returns nil if the process at the other end runs as our own effective user or as
// root, whose relays carry the connections of containers (Docker) and of the host (WSL).
// Otherwise it returns a *ForeignError, ErrGone, ErrHidden or ErrUnknown. It never waits.
func Check(conn net.Conn) error {
	uid, err := UID(conn)
	if err != nil {
		return err
	}
	if uid != os.Geteuid() && uid != 0 {
		return &ForeignError{uid}
	}
	return nil
}

// UID returns the user id of the process at the other end of a *net.TCPConn between
// loopback addresses or of a *net.UnixConn: the one that opened the socket (TCP), or
// that called connect or listen (unix). The error is ErrGone, ErrHidden or ErrUnknown.
func UID(conn net.Conn) (int, error) {
	switch c := conn.(type) {
	case *net.UnixConn:
		return uidOfUnix(c)
	case *net.TCPConn:
		ours, theirs := addrPort(c.LocalAddr()), addrPort(c.RemoteAddr())
		if !theirs.Addr().IsLoopback() {
			return 0, ErrUnknown
		}
		return uidOfTCP(ours, theirs)
	}
	return 0, ErrUnknown
}

// Held reports whether a process still holds the other end of a TCP connection on this
// machine. TCP says the same of a program that is gone and of one that has closed its own
// direction; the kernel, which has both ends, knows more. The error is ErrUnknown.
func Held(conn *net.TCPConn) (bool, error) {
	return heldTCP(addrPort(conn.LocalAddr()), addrPort(conn.RemoteAddr()))
}

// addrPort returns an address without the form of IPv4 addresses in IPv6.
func addrPort(a net.Addr) netip.AddrPort {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	at := tcp.AddrPort()
	return netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
}
