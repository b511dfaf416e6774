package localend

// Program is what is known of the program at the other end of a connection that has got an
// EOF from it: it may be gone, or have closed one half and wait for an answer.
type Program int

// What is known. The zero value is what systems other than Linux, and connections from other
// machines, have.
const (
	Unknown Program = iota
	Waits
	Gone
)
