// Package channel is our own client side of the Session Manager data channel:
// one session over a websocket that may be lost and resumed any number of times
// without losing, repeating or changing a byte.
//
// From the wire inwards: link (websocket.go) reads and writes the frames of wire;
// reliable puts the agent's messages into order and keeps ours until they are
// acknowledged; Channel (run.go, read.go, write.go) joins them and resumes;
// an engine uses the session: mux or single for ports, shell for terminals.
//
// A channel has three goroutines of its own (run, reader, writer) and ends when
// the context given to Dial does, when Close is called, or when the session is
// gone; Done is closed when all of them have ended. It never judges, and never opens a
// session in the account. Start with Dial in channel.go, then run.go.
package channel
