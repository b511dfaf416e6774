package peer

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"syscall"
)

// The kernel's interface for socket diagnosis: linux/sock_diag.h and linux/inet_diag.h.
const (
	sockDiagByFamily = 20 // SOCK_DIAG_BY_FAMILY
	established      = 1  // TCP_ESTABLISHED
	loopbackIndex    = 1  // of the interface lo, in every network namespace
	headerSize       = 16 // struct nlmsghdr
	requestSize      = 56 // struct inet_diag_req_v2
	answerSize       = 72 // struct inet_diag_msg

	// In struct inet_diag_sockid, counted from its start.
	destinationPort, sourceAddress, destinationAddress, interfaceIndex, cookie = 2, 4, 20, 36, 40
	// In struct inet_diag_msg.
	answerID, answerUID, answerInode = 4, 64, 68
)

// diagnosis is what the kernel tells of a socket.
type diagnosis struct {
	state         byte
	uid, inode    uint32
	source, destn netip.AddrPort
}

// uidOfTCP asks for the socket whose own end is theirs.
func uidOfTCP(ours, theirs netip.AddrPort) (int, error) {
	d, err := diagnose(theirs, ours)
	switch {
	case err == nil && d.source == theirs && d.destn == ours && d.inode != 0:
		return int(d.uid), nil
	case err == nil:
		// A listener at their port, or a socket that its process has closed.
		return 0, ErrGone
	case !errors.Is(err, syscall.ENOENT):
		return 0, ErrUnknown
	}
	// A kernel without diagnosis of TCP says ENOENT for every socket; ours, or the
	// listener that accepted it, exists.
	switch d, err = diagnose(ours, theirs); {
	case err != nil:
		return 0, ErrUnknown
	case d.state == established:
		return 0, ErrHidden
	}
	return 0, ErrGone
}

// heldTCP asks for the socket whose own end is theirs. One that no file stands for has no
// inode; one that is not found may be on another machine.
func heldTCP(ours, theirs netip.AddrPort) (bool, error) {
	d, err := diagnose(theirs, ours)
	if err != nil {
		return false, ErrUnknown
	}
	return d.inode != 0, nil
}

// diagnose asks the kernel for the TCP socket between two addresses, seen from source.
// Without such a socket the answer is about one that listens at source, or ENOENT.
func diagnose(source, destn netip.AddrPort) (diagnosis, error) {
	fd, err := syscall.Socket(syscall.AF_NETLINK, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, syscall.NETLINK_INET_DIAG)
	if err != nil {
		return diagnosis{}, err
	}
	defer syscall.Close(fd)
	if err := syscall.Sendto(fd, request(source, destn), 0, &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK}); err != nil {
		return diagnosis{}, err
	}
	// The kernel has answered before Sendto returns.
	var b [1024]byte
	n, from, err := syscall.Recvfrom(fd, b[:], syscall.MSG_DONTWAIT)
	if err != nil {
		return diagnosis{}, err
	}
	if kernel, ok := from.(*syscall.SockaddrNetlink); !ok || kernel.Pid != 0 {
		return diagnosis{}, syscall.EPROTO
	}
	return answer(b[:n])
}

// request writes a struct nlmsghdr and a struct inet_diag_req_v2.
func request(source, destn netip.AddrPort) []byte {
	b := make([]byte, headerSize+requestSize)
	binary.NativeEndian.PutUint32(b, uint32(len(b)))
	binary.NativeEndian.PutUint16(b[4:], sockDiagByFamily)
	binary.NativeEndian.PutUint16(b[6:], syscall.NLM_F_REQUEST)
	r := b[headerSize:]
	r[0], r[1] = syscall.AF_INET, syscall.IPPROTO_TCP
	if source.Addr().Is6() {
		r[0] = syscall.AF_INET6
	}
	binary.NativeEndian.PutUint32(r[4:], ^uint32(0)) // in any state
	id := r[8:]
	binary.BigEndian.PutUint16(id, source.Port())
	binary.BigEndian.PutUint16(id[destinationPort:], destn.Port())
	copy(id[sourceAddress:], source.Addr().AsSlice())
	copy(id[destinationAddress:], destn.Addr().AsSlice())
	binary.NativeEndian.PutUint32(id[interfaceIndex:], loopbackIndex)
	binary.NativeEndian.PutUint64(id[cookie:], ^uint64(0)) // INET_DIAG_NOCOOKIE
	return b
}

// answer reads a struct nlmsghdr, and after it a struct inet_diag_msg or an error.
func answer(b []byte) (diagnosis, error) {
	if len(b) < headerSize+4 {
		return diagnosis{}, syscall.EPROTO
	}
	body := b[headerSize:]
	switch binary.NativeEndian.Uint16(b[4:]) {
	case syscall.NLMSG_ERROR:
		return diagnosis{}, syscall.Errno(-int32(binary.NativeEndian.Uint32(body)))
	case sockDiagByFamily:
		if len(body) >= answerSize {
			break
		}
		fallthrough
	default:
		return diagnosis{}, syscall.EPROTO
	}
	id := body[answerID:]
	length := 4
	if body[0] == syscall.AF_INET6 {
		length = 16
	}
	end := func(address, port int) netip.AddrPort {
		a, _ := netip.AddrFromSlice(id[address : address+length])
		return netip.AddrPortFrom(a.Unmap(), binary.BigEndian.Uint16(id[port:]))
	}
	return diagnosis{
		state: body[1],
		uid:   binary.NativeEndian.Uint32(body[answerUID:]), inode: binary.NativeEndian.Uint32(body[answerInode:]),
		source: end(sourceAddress, 0), destn: end(destinationAddress, destinationPort),
	}, nil
}

// uidOfUnix reads the credentials that the kernel keeps with a connected unix socket.
func uidOfUnix(c *net.UnixConn) (int, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, ErrUnknown
	}
	var who *syscall.Ucred
	controlErr := raw.Control(func(fd uintptr) {
		who, err = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	})
	if controlErr != nil || err != nil {
		return 0, ErrUnknown
	}
	return int(who.Uid), nil
}
