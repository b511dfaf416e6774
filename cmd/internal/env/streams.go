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

// Width returns how many columns a stream's terminal has; 0 when it is none, or when
// that is not known.
func Width(stream any) int {
	f, ok := stream.(*os.File)
	if !ok {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// FileOf returns a stream's file, nil if the stream is not a file.
func FileOf(stream any) *os.File {
	f, _ := stream.(*os.File)
	return f
}
