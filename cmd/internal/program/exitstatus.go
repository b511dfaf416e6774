package program

import (
	"os"
	"syscall"

	"ssmguard/cmd/internal/exit"
)

// CommandStatus returns a command's exit code as an error, or 128 plus the number of
// the signal that ended it.
func CommandStatus(state *os.ProcessState, err error) error {
	status, _ := state.Sys().(syscall.WaitStatus)
	switch code := state.ExitCode(); {
	case status.Signaled():
		return exit.EndWith(128 + int(status.Signal()))
	case code != 0:
		return exit.EndWith(code)
	}
	return err
}
