//go:build !linux

package channel

import "net"

// setLowWater does nothing where the system's poller does not heed it.
func setLowWater(net.Conn, int) {}
