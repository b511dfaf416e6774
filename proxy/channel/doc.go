// Package channel is our own client side of the Session Manager data channel:
// one session over a websocket that may be lost and resumed any number of times
// without losing, repeating or changing a byte.
//
// A Channel (channel.go) has a few parts, each with its own lock or none, and a file:
//
//	link.go       one connection: its websocket, opened, read and written
//	run.go        a connection in use, from the first message to the goodbye
//	resume.go     the next connection after one that was lost
//	handshake.go  what the agent asks before a session can be used; encryption.go
//	outgoing.go   messages and acknowledgements on their way to the agent; the writer
//	incoming.go   the reader, and the payloads on their way to an engine
//	liveness.go   pings: whether a connection is alive, and a silence certain
//
// Messages are kept whole and in order by the package reliable, and laid out by wire.
// An engine uses the session: mux.go or single.go for ports (forward.go begins them;
// ports.go, stream.go and refusals.go are what they share), shell.go for terminals.
//
// A channel has three goroutines of its own (run, reader, writer) and ends when
// the context given to Dial does, when Close is called, or when the session is
// gone; Done is closed when all of them have ended. It never judges, and never opens a
// session in the account. Start with Dial in channel.go, then run.go.
package channel
