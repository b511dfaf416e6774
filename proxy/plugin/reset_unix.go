//go:build unix

package plugin

import (
	"os"
	"strconv"
	"syscall"
)

// resetAccepted has the connections that this process has accepted on TCP ports reset, not
// closed in order, when it exits: an end in the middle must not look like the end of what was
// sent. They are the official session type's, which keeps them to itself.
func resetAccepted() {
	entries, err := os.ReadDir("/dev/fd")
	if err != nil {
		return
	}
	ports := make(map[int]bool) // that are listened on
	connected := make(map[int]int)
	for _, e := range entries {
		fd, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		port := tcpPort(fd)
		if port == 0 {
			continue
		}
		if listens, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_ACCEPTCONN); err == nil && listens != 0 {
			ports[port] = true
		} else {
			connected[fd] = port
		}
	}
	for fd, port := range connected {
		if ports[port] {
			syscall.SetsockoptLinger(fd, syscall.SOL_SOCKET, syscall.SO_LINGER, &syscall.Linger{Onoff: 1}) //nolint:errcheck // it may have been closed
		}
	}
}

// tcpPort returns the local port of a socket of TCP, 0 for other files.
func tcpPort(fd int) int {
	kind, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_TYPE)
	if err != nil || kind != syscall.SOCK_STREAM {
		return 0
	}
	address, err := syscall.Getsockname(fd)
	if err != nil {
		return 0
	}
	switch a := address.(type) {
	case *syscall.SockaddrInet4:
		return a.Port
	case *syscall.SockaddrInet6:
		return a.Port
	}
	return 0
}
