package env

import (
	"io"
	"os"

	"golang.org/x/term"

	"ssmguard/internal/screen"
)

// IsTerminal reports whether a stream is a terminal.
func IsTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Width returns how many columns a stream's terminal has; 0 when it is none, or when
// that is not known.
func Width(stream any) int {
	columns, _ := Size(stream)
	return columns
}

// Size returns how many columns and rows a stream's terminal has; 0 when it is none, or when
// that is not known.
func Size(stream any) (columns, rows int) {
	f, ok := stream.(*os.File)
	if !ok {
		return 0, 0
	}
	columns, rows, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0, 0
	}
	return columns, rows
}

// Colour reports whether what is written to the process's terminals may have colours.
func (p *Process) Colour() bool { return p.Getenv("NO_COLOR") == "" && p.Getenv("TERM") != "dumb" }

// FileOf returns a stream's file, nil if the stream is not a file.
func FileOf(stream any) *os.File {
	f, _ := stream.(*os.File)
	return f
}

// Notes returns stderr for messages of ours, each Write of whole lines. On a terminal those that
// are too wide for it are broken between words.
func (p *Process) Notes() io.Writer { return notes{p} }

type notes struct{ process *Process }

// Write implements io.Writer.
func (n notes) Write(lines []byte) (int, error) {
	p := n.process
	if !p.ErrTerminal {
		return p.Stderr.Write(lines)
	}
	if _, err := io.WriteString(p.Stderr, screen.Lines(string(lines), p.errWidth())); err != nil {
		return 0, err
	}
	return len(lines), nil
}
