package env

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"ssmguard/internal/safetext"
)

// CanConfirm reports whether there is a terminal to ask on.
func (p *Process) CanConfirm() bool { return IsTerminal(p.Stdin) && p.ErrTerminal }

// Confirm asks on a terminal, and reports whether the answer is yes.
func (p *Process) Confirm(ctx context.Context, question string) (bool, error) {
	safetext.Fprintf(p.Notes(), "ssmguard: %s [y/N] ", question)
	answer, err := readLine(ctx, p.Stdin)
	if err != nil {
		fmt.Fprintln(p.Stderr)
		return false, err
	}
	return slices.Contains([]string{"y", "yes"}, strings.ToLower(strings.TrimSpace(answer))), nil
}

// readLine reads a line of a terminal. A read from a terminal ends with the line, so that
// what is typed after it is left for others.
func readLine(ctx context.Context, terminal io.Reader) (string, error) {
	type answer struct {
		text string
		err  error
	}
	read := make(chan answer, 1)
	go func() { // ends with the process if nobody answers
		line := make([]byte, 1024)
		n, err := terminal.Read(line)
		if n > 0 || err == io.EOF {
			err = nil
		}
		read <- answer{string(line[:n]), err}
	}()
	select {
	case a := <-read:
		return a.text, a.err
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}
