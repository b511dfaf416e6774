package cli

import (
	"errors"
	"os"
	"os/exec"
)

// ownSession does nothing: launch refuses before it matters.
func ownSession(*exec.Cmd) {}

// redirect says that background tunnels are not for Windows.
func redirect(any, any, any, *os.File) error {
	return errors.New("background tunnels are not available on Windows")
}
