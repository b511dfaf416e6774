package localend

import (
	"encoding/binary"
	"net"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ProgramAt finds out whether a program still holds the far end of a local connection
// that has sent its EOF. TCP says the same of a program that is gone and of one
// that waits for an answer; the kernel, which holds both ends, knows more.
func ProgramAt(conn any) Program {
	switch c := conn.(type) {
	case *net.TCPConn:
		ours, ok := c.LocalAddr().(*net.TCPAddr)
		theirs, ok2 := c.RemoteAddr().(*net.TCPAddr)
		if !ok || !ok2 {
			return Unknown
		}
		return tcpProgram(unmapped(theirs), unmapped(ours))
	case *net.UnixConn:
		return unixProgram(c)
	}
	return Unknown
}

func unmapped(a *net.TCPAddr) netip.AddrPort {
	at := a.AddrPort()
	return netip.AddrPortFrom(at.Addr().Unmap().WithZone(""), at.Port())
}

// socketID and the two below are inet_diag_sockid, inet_diag_req_v2 and
// inet_diag_msg of linux/inet_diag.h. Ports and addresses are big endian.
type socketID struct {
	sport, dport [2]byte
	src, dst     [16]byte
	link         uint32
	cookie       [2]uint32
}

type socketRequest struct {
	header                       unix.NlMsghdr
	family, protocol, extra, pad uint8
	states                       uint32
	id                           socketID
}

type socketAnswer struct {
	header                        unix.NlMsghdr
	family, state, timer, retries uint8
	id                            socketID
	expires, rqueue, wqueue       uint32
	uid, inode                    uint32
}

// sockDiagByFamily is SOCK_DIAG_BY_FAMILY of linux/sock_diag.h.
const sockDiagByFamily = 20

// tcpProgram asks the kernel for one socket, see sock_diag(7). A socket that no
// file stands for has no inode. One that is not found may be on another machine.
func tcpProgram(theirs, ours netip.AddrPort) Program {
	q := socketRequest{family: unix.AF_INET6, protocol: unix.IPPROTO_TCP, states: ^uint32(0)}
	q.header = unix.NlMsghdr{Len: uint32(unsafe.Sizeof(q)), Type: sockDiagByFamily, Flags: unix.NLM_F_REQUEST}
	if theirs.Addr().Is4() {
		q.family = unix.AF_INET
	}
	binary.BigEndian.PutUint16(q.id.sport[:], theirs.Port())
	binary.BigEndian.PutUint16(q.id.dport[:], ours.Port())
	copy(q.id.src[:], theirs.Addr().AsSlice())
	copy(q.id.dst[:], ours.Addr().AsSlice())
	q.id.cookie = [2]uint32{^uint32(0), ^uint32(0)} // any

	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return Unknown
	}
	defer unix.Close(fd)
	if err := unix.Sendto(fd, unsafe.Slice((*byte)(unsafe.Pointer(&q)), unsafe.Sizeof(q)), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return Unknown
	}
	var a socketAnswer
	// The kernel answers while it takes the request: there is nothing to wait for.
	n, _, err := unix.Recvfrom(fd, unsafe.Slice((*byte)(unsafe.Pointer(&a)), unsafe.Sizeof(a)), unix.MSG_DONTWAIT)
	switch {
	case err != nil || n < int(unsafe.Sizeof(a)) || a.header.Type != sockDiagByFamily:
		return Unknown
	case a.inode == 0:
		return Gone
	}
	return Waits
}

// unixProgram asks for the hang-up that a Unix socket shows when its far end has
// been closed, not when that has only stopped writing.
func unixProgram(c *net.UnixConn) Program {
	raw, err := c.SyscallConn()
	if err != nil {
		return Unknown
	}
	state := Unknown
	raw.Control(func(fd uintptr) { //nolint:errcheck // a closed connection stays unknown
		p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
		if _, err := unix.Poll(p, 0); err != nil {
			return
		}
		if state = Waits; p[0].Revents&unix.POLLHUP != 0 {
			state = Gone
		}
	})
	return state
}
