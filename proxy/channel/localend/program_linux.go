package localend

import (
	"net"

	"golang.org/x/sys/unix"

	"ssmguard/internal/peer"
)

// ProgramAt finds out whether a program still holds the far end of a local connection
// that has sent its EOF.
func ProgramAt(conn any) Program {
	switch c := conn.(type) {
	case *net.TCPConn:
		return tcpProgram(c)
	case *net.UnixConn:
		return unixProgram(c)
	}
	return Unknown
}

func tcpProgram(c *net.TCPConn) Program {
	held, err := peer.Held(c)
	switch {
	case err != nil:
		return Unknown
	case !held:
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
