package env

import (
	"os"

	"golang.org/x/term"
)

// IsTerminal reports whether a stream is a terminal.
func IsTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// FileOf returns a stream's file, nil if the stream is not a file.
func FileOf(stream any) *os.File {
	f, _ := stream.(*os.File)
	return f
}
