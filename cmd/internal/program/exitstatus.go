package program

import (
	"os"
	"syscall"

	"ssmguard/cmd/internal/exit"
)

// CommandStatus makes a command's end ours: its exit code, or 128 and the number
// of the signal that ended it.
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
