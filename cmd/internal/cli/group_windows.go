package cli

import (
	"errors"
	"os/exec"
	"syscall"

	"golang.org/x/sys/windows"
)

// ownGroup makes a command the head of a process group, which alone can be sent
// a console event.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP}
}

// interruptGroup sends Ctrl-Break, which a new group takes where it takes no
// Ctrl-C; without a console to send it by, it ends the command.
func interruptGroup(cmd *exec.Cmd) error {
	if err := windows.GenerateConsoleCtrlEvent(windows.CTRL_BREAK_EVENT, uint32(cmd.Process.Pid)); err == nil {
		return nil
	}
	return cmd.Process.Kill()
}

// interrupted is what is left of a command's end after interruptGroup: ended so,
// it need not end well.
func interrupted(err error) error {
	if errors.As(err, new(*exec.ExitError)) {
		return nil
	}
	return err
}
