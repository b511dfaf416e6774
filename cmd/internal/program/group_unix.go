//go:build unix

package program

import (
	"os/exec"
	"syscall"
)

// OwnGroup starts a command in a process group of its own, as a shell does.
func OwnGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// InterruptGroup sends SIGINT to the whole process group, as Ctrl-C does.
func InterruptGroup(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }

// Interrupted returns the error of a command after InterruptGroup: the command has to
// end with success.
func Interrupted(err error) error { return err }
