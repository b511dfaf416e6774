package awsconf

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"golang.org/x/term"

	"ssmguard/internal/safetext"
)

// A Prompter asks the user for a secret, such as an MFA code.
type Prompter func(prompt string) (string, error)

// Echo is the terminal's echo, which a Prompter turns off while it asks.
type Echo struct {
	mu   sync.Mutex
	back func() // turns it on again; nil while it is on
}

// Restore turns the echo on again when the command ends with a prompt unanswered.
func (e *Echo) Restore() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.back != nil {
		e.back()
	}
}

func (e *Echo) off(back func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.back = back
}

// ask asks on a terminal without echo.
func (e *Echo) ask(tty *os.File, to io.Writer, prompt string) (string, error) {
	fd := int(tty.Fd())
	if state, err := term.GetState(fd); err == nil {
		e.off(func() { term.Restore(fd, state) }) //nolint:errcheck // the terminal is gone then
	}
	defer e.off(nil)
	safetext.Fprintf(to, "%s", prompt)
	code, err := term.ReadPassword(fd)
	fmt.Fprintln(to)
	if err != nil {
		return "", errorf(CodeOther, "%v", err)
	}
	return string(code), nil
}

// Terminal returns a Prompter that asks on the terminal without echo. Without a
// terminal it asks on stderr and reads a line from stdin, as the CLI does; a nil stdin,
// because it carries a session's data, is an error. echo.Restore has to be called
// before the process ends.
func Terminal(stdin io.Reader, stderr io.Writer, echo *Echo) Prompter {
	return func(prompt string) (string, error) {
		tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
		if err == nil {
			defer tty.Close()
			return echo.ask(tty, tty, prompt)
		}
		if in, ok := stdin.(*os.File); ok && term.IsTerminal(int(in.Fd())) { // Windows has no /dev/tty
			return echo.ask(in, stderr, prompt)
		}
		if stdin == nil {
			return "", errorf(CodeOther, "an MFA code is needed and there is no terminal to ask on")
		}
		safetext.Fprintf(stderr, "Warning: Password input may be echoed.\n%s", prompt)
		line, err := bufio.NewReader(oneByte{stdin}).ReadString('\n')
		if err != nil && (!errors.Is(err, io.EOF) || line == "") {
			return "", errorf(CodeOther, "")
		}
		fmt.Fprintln(stderr)
		return strings.TrimRight(line, "\r\n"), nil
	}
}

// oneByte reads byte by byte, so that the bytes after the line are left for the
// session.
type oneByte struct{ r io.Reader }

func (o oneByte) Read(p []byte) (int, error) { return o.r.Read(p[:min(1, len(p))]) }
