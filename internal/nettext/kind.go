package nettext

import (
	"errors"
	"io/fs"
	"syscall"
)

// The kinds of errors of calls to the system that say the same on every one. Windows
// numbers those of its sockets otherwise than package syscall does there, so every
// room asks here, and not for a number.

// InUse reports whether a local address is taken by another program.
func InUse(err error) bool { return is(err, inUse) }

// NoAddress reports whether the machine has no such local address, or no such kind of
// addresses.
func NoAddress(err error) bool { return is(err, noAddress) }

// Refused reports whether nobody listens at an address.
func Refused(err error) bool { return is(err, refused) }

// Reset reports whether the other end of a connection has broken it off.
func Reset(err error) bool { return is(err, reset) }

// NoReader reports whether bytes were written where nobody reads any more.
func NoReader(err error) bool { return is(err, noReader) }

// Denied reports whether the user may not do what was asked of the system.
func Denied(err error) bool { return errors.Is(err, fs.ErrPermission) || is(err, denied) }

// TooLong reports whether the path of a socket is longer than the system takes.
func TooLong(err error) bool { return is(err, tooLong) }

func is(err error, kind []syscall.Errno) bool {
	for _, number := range kind {
		if errors.Is(err, number) {
			return true
		}
	}
	return false
}
