package awsconf

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// A Prompter asks the user for a secret, such as an MFA code.
type Prompter func(prompt string) (string, error)

// Terminal returns a Prompter that asks on the terminal without echo. Without a
// terminal it asks on stderr and reads a line from stdin, as the CLI does; when
// stdin is nil, because it carries a session's data, it gives up instead.
func Terminal(stdin io.Reader, stderr io.Writer) Prompter {
	return func(prompt string) (string, error) {
		tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
		if err == nil {
			defer tty.Close()
			fmt.Fprint(tty, prompt)
			code, err := term.ReadPassword(int(tty.Fd()))
			fmt.Fprintln(tty)
			if err != nil {
				return "", errorf(CodeOther, "%v", err)
			}
			return string(code), nil
		}
		if in, ok := stdin.(*os.File); ok && term.IsTerminal(int(in.Fd())) { // Windows has no /dev/tty
			fmt.Fprint(stderr, prompt)
			code, err := term.ReadPassword(int(in.Fd()))
			fmt.Fprintln(stderr)
			if err != nil {
				return "", errorf(CodeOther, "%v", err)
			}
			return string(code), nil
		}
		if stdin == nil {
			return "", errorf(CodeOther, "an MFA code is needed and there is no terminal to ask on")
		}
		fmt.Fprint(stderr, "Warning: Password input may be echoed.\n", prompt)
		line, err := bufio.NewReader(oneByte{stdin}).ReadString('\n')
		if err != nil && (!errors.Is(err, io.EOF) || line == "") {
			return "", errorf(CodeOther, "")
		}
		fmt.Fprintln(stderr)
		return strings.TrimRight(line, "\r\n"), nil
	}
}

// oneByte reads byte by byte, so that what follows the line stays for the session.
type oneByte struct{ r io.Reader }

func (o oneByte) Read(p []byte) (int, error) { return o.r.Read(p[:min(1, len(p))]) }
