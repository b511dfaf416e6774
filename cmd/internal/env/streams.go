package env

import (
	"os"

	"golang.org/x/term"
)

// IsTerminal tells whether a stream is a terminal.
func IsTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// FileOf returns a stream as the file it is, nil if it is none.
func FileOf(stream any) *os.File {
	f, _ := stream.(*os.File)
	return f
}
