// Package plugin runs the official session-manager plugin, embedded in our own
// binary or an external one, always as a child process.
//
// The parent (Runner) and the embedded child (Main) talk over two inherited
// pipes, because stdin, stdout and stderr belong to the session: over the first
// the child reports and asks for credentials (event), over the second it gets them
// (answer) and learns that the parent is gone. It asks before each use, so that it
// has what the parent has then: the keys of the start may have run out.
//
// Who ends what. A session is known to have ended when the service has closed
// its channel; then the child says so. After any other end (signal, error,
// Ctrl-C, end of input, a crash of the child) Runner asks its Opener to
// terminate the session. A child whose parent is gone terminates it by itself.
//
// It never judges and never opens a session. Start with Run in run.go; child.go and
// session.go are the other end.
package plugin
