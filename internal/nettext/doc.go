// Package nettext says in words what Go's errors of connections, calls, files and programs say
// in system calls and type names, and of which kind they are on every system: a port in use, a
// connection refused. It never decides what an error means for a session. Start with Of
// in nettext.go, then kind.go.
package nettext
