package self

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Path returns the file of the running program.
func Path() (string, error) { return path(os.Executable, os.Args) }

// path asks the system, then looks for the program by the name that it was called by: a
// path, or a name in PATH.
func path(executable func() (string, error), args []string) (string, error) {
	file, err := executable()
	if err == nil {
		return file, nil
	}
	if len(args) > 0 && args[0] != "" {
		if found, lookErr := exec.LookPath(args[0]); lookErr == nil || errors.Is(lookErr, exec.ErrDot) {
			if file, err := filepath.Abs(found); err == nil {
				return file, nil
			}
		}
	}
	return "", fmt.Errorf("the system does not tell where the program is (%w); mount /proc, or start it by its whole path", err)
}
