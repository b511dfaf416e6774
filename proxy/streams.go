package proxy

import "io"

// Streams are the three standard streams of a session. Out belongs to the session
// alone; our own messages go to Err (design law 1).
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}
