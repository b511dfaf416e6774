package program

import (
	"errors"
	"os/exec"
	"syscall"

	"golang.org/x/sys/windows"
)

// OwnGroup starts a command in a process group of its own, because console events are
// sent to groups.
func OwnGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP}
}

// InterruptGroup sends Ctrl-Break, because a new group ignores Ctrl-C. Without a
// console it kills the command.
func InterruptGroup(cmd *exec.Cmd) error {
	if err := windows.GenerateConsoleCtrlEvent(windows.CTRL_BREAK_EVENT, uint32(cmd.Process.Pid)); err == nil {
		return nil
	}
	return cmd.Process.Kill()
}

// Interrupted returns the error of a command after InterruptGroup: an exit code other
// than 0 is accepted.
func Interrupted(err error) error {
	if errors.As(err, new(*exec.ExitError)) {
		return nil
	}
	return err
}
