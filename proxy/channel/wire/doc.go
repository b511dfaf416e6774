// Package wire is how the data channel's messages are written: the binary frame, the
// JSON of acknowledgements, handshake and sizes, and the ids. It is right by the
// official plugin and agent, says nothing of order or time, and does no I/O. Start with
// Frame in frame.go; content.go has what frames carry.
package wire
