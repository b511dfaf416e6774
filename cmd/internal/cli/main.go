// Package cli holds the commands: one file each, with its flags, complete and
// run in that order. Commands translate between the user and guard and proxy.
package cli

import (
	"context"
	"io"
	"os"
	"os/signal"
	"strings"

	"golang.org/x/term"
)

// process is what a command has of the process around it. Commands take it
// from here and never from package os, so that tests can give them another.
type process struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	environ        []string
	errTerminal    bool // stderr is a terminal ...
	errWidth       int  // ... of so many columns; 0 when not known
}

// Main runs one command line, args[0] being the name we were called by, and
// returns the exit code of exit.go.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	p := newProcess(stdin, stdout, stderr)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	return p.report(newApp(p).RunContext(ctx, args))
}

func newProcess(stdin io.Reader, stdout, stderr io.Writer) *process {
	p := &process{stdin: stdin, stdout: stdout, stderr: stderr, environ: os.Environ()}
	if f, ok := stderr.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		p.errTerminal = true
		if width, _, err := term.GetSize(int(f.Fd())); err == nil {
			p.errWidth = width
		}
	}
	return p
}

// getenv returns a variable's value, "" when it is not set.
func (p *process) getenv(name string) string {
	for _, entry := range p.environ {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value
		}
	}
	return ""
}
