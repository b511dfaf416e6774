//go:build !linux

package peer

import (
	"net"
	"net/netip"
)

// uidOfTCP does not know: only Linux tells it without another program.
func uidOfTCP(_, _ netip.AddrPort) (int, error) { return 0, ErrUnknown }

// heldTCP does not know either.
func heldTCP(_, _ netip.AddrPort) (bool, error) { return false, ErrUnknown }

// uidOfUnix does not know: each system has a question of its own for it.
func uidOfUnix(*net.UnixConn) (int, error) { return 0, ErrUnknown }
