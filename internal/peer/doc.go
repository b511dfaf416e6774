// Package peer tells whose process is at the other end of a connection on this machine:
// of a TCP connection over loopback, by the socket diagnosis of the Linux kernel, and of
// a unix socket, by its credentials. It tells, too, whether a process is still there, and who
// else is logged in. It closes nothing and prints nothing. Start with Check in peer.go.
package peer
