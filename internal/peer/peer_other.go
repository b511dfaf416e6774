//go:build !linux

package peer

import (
	"net"
	"net/netip"
)

// uidOfTCP does not know: only Linux tells it without another program.
func uidOfTCP(_, _ netip.AddrPort) (int, error) { return 0, ErrUnknown }

// uidOfUnix does not know: each system has a question of its own for it.
func uidOfUnix(*net.UnixConn) (int, error) { return 0, ErrUnknown }
