package program

import (
	"errors"
	"os/exec"
	"syscall"

	"golang.org/x/sys/windows"
)

// OwnGroup makes a command the head of a process group, which alone can be sent
// a console event.
func OwnGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP}
}

// InterruptGroup sends Ctrl-Break, which a new group takes where it takes no
// Ctrl-C; without a console to send it by, it ends the command.
func InterruptGroup(cmd *exec.Cmd) error {
	if err := windows.GenerateConsoleCtrlEvent(windows.CTRL_BREAK_EVENT, uint32(cmd.Process.Pid)); err == nil {
		return nil
	}
	return cmd.Process.Kill()
}

// Interrupted is what is left of a command's end after interruptGroup: ended so,
// it need not end well.
func Interrupted(err error) error {
	if errors.As(err, new(*exec.ExitError)) {
		return nil
	}
	return err
}
