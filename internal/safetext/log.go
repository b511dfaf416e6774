package safetext

import (
	"bytes"
	"io"
)

// longestLine is how many bytes of a line a Log keeps until the line ends.
const longestLine = 64 << 10

// Log is a writer for logs, whose lines are ours and of others: hidden characters are
// escaped, and no line is a command to a CI runner. A line is passed on when it ends, or
// is too long to be kept.
type Log struct {
	w    io.Writer
	line []byte
}

// NewLog returns a Log that writes to w.
func NewLog(w io.Writer) *Log { return &Log{w: w} }

// Write implements io.Writer.
func (l *Log) Write(b []byte) (int, error) {
	for rest := b; len(rest) > 0; {
		end := bytes.IndexByte(rest, '\n') + 1
		whole := end > 0
		if !whole {
			end = len(rest)
		}
		l.line = append(l.line, rest[:end]...)
		rest = rest[end:]
		if !whole && len(l.line) < longestLine {
			continue
		}
		if err := l.Flush(); err != nil {
			return 0, err
		}
	}
	return len(b), nil
}

// Flush passes on a line that has not ended yet.
func (l *Log) Flush() error {
	if len(l.line) == 0 {
		return nil
	}
	text := mark(shown(string(bytes.ReplaceAll(l.line, []byte("\r\n"), []byte("\n"))), true), false)
	l.line = l.line[:0]
	_, err := io.WriteString(l.w, text)
	return err
}
