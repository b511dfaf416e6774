//go:build !windows

package nettext

import "syscall"

var (
	inUse     = []syscall.Errno{syscall.EADDRINUSE}
	noAddress = []syscall.Errno{syscall.EADDRNOTAVAIL, syscall.EAFNOSUPPORT}
	refused   = []syscall.Errno{syscall.ECONNREFUSED}
	reset     = []syscall.Errno{syscall.ECONNRESET, syscall.ECONNABORTED}
	noReader  = []syscall.Errno{syscall.EPIPE}
	denied    = []syscall.Errno{syscall.EACCES, syscall.EPERM}
	tooLong   = []syscall.Errno{syscall.EINVAL, syscall.ENAMETOOLONG}
)
