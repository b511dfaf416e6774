//go:build unix

package program

import (
	"os/exec"
	"syscall"
)

// OwnGroup makes a command the head of a process group, as a shell does for
// what is typed into it.
func OwnGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// InterruptGroup does what Ctrl-C does: everybody in the group gets the signal.
func InterruptGroup(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }

// Interrupted is what is left of a command's end after interruptGroup: it has to
// end well.
func Interrupted(err error) error { return err }
