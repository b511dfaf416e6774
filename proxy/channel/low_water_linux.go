package channel

import (
	"crypto/tls"
	"net"
	"syscall"

	"ssmguard/proxy/upgrade"
)

// setLowWater has the kernel wake us for nc only once n bytes have come. Go's
// poller is woken by every packet otherwise, whether anybody reads or not.
// Connections that it cannot be set for are left as they are.
func setLowWater(nc net.Conn, n int) {
	if t, ok := nc.(*tls.Conn); ok {
		nc = t.NetConn()
	}
	s, ok := upgrade.Plain(nc).(syscall.Conn)
	if !ok {
		return
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return
	}
	raw.Control(func(fd uintptr) { //nolint:errcheck // a closed connection says so on the next read
		syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVLOWAT, n) //nolint:errcheck // it only saves time
	})
}
