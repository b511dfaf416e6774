package door

import (
	"errors"
	"net"
	"strconv"
	"syscall"
)

// lowPort says about an error which port of an address anyone may listen on, "" where the
// port is not why.
func lowPort(address string, err error) string {
	_, port, splitErr := net.SplitHostPort(address)
	n, numErr := strconv.Atoi(port)
	if !errors.Is(err, syscall.EACCES) || splitErr != nil || numErr != nil || n == 0 || n >= 1024 {
		return ""
	}
	return "; ports below 1024 are for root, so give another, such as " + strconv.Itoa(10000+n)
}
