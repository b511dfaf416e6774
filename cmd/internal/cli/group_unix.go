//go:build unix

package cli

import (
	"os/exec"
	"syscall"
)

// ownGroup makes a command the head of a process group, as a shell does for
// what is typed into it.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// interruptGroup does what Ctrl-C does: everybody in the group gets the signal.
func interruptGroup(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }

// interrupted is what is left of a command's end after interruptGroup: it has to
// end well.
func interrupted(err error) error { return err }
