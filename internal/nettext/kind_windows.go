package nettext

import "syscall"

// Numbers of Windows ("System Error Codes" and "Windows Sockets Error Codes" of its
// documentation). syscall.EADDRINUSE and its like are Go's inventions there, which only
// Go's own emulations return. TestKinds causes them under Wine, as .ci/windows runs it.
var (
	inUse     = []syscall.Errno{10048, syscall.EADDRINUSE}                                   // WSAEADDRINUSE
	noAddress = []syscall.Errno{10049, 10047, syscall.EADDRNOTAVAIL, syscall.EAFNOSUPPORT}   // WSAEADDRNOTAVAIL, WSAEAFNOSUPPORT
	refused   = []syscall.Errno{10061, 1225, syscall.ECONNREFUSED}                           // WSAECONNREFUSED, ERROR_CONNECTION_REFUSED
	reset     = []syscall.Errno{10054, 10053, 64, 1236, syscall.ECONNRESET}                  // WSAECONNRESET, WSAECONNABORTED, ERROR_NETNAME_DELETED, ERROR_CONNECTION_ABORTED
	noReader  = []syscall.Errno{109, 232, 233, 10058, syscall.EPIPE}                         // ERROR_BROKEN_PIPE, ERROR_NO_DATA, ERROR_PIPE_NOT_CONNECTED, WSAESHUTDOWN
	denied    = []syscall.Errno{5, 10013, syscall.EACCES, syscall.EPERM}                     // ERROR_ACCESS_DENIED, WSAEACCES
	tooLong   = []syscall.Errno{206, 10022, 10014, 87, syscall.EINVAL, syscall.ENAMETOOLONG} // ERROR_FILENAME_EXCED_RANGE, WSAEINVAL, WSAEFAULT, ERROR_INVALID_PARAMETER
)
