//go:build !windows

package keeper

import (
	"os/exec"
	"syscall"
)

// OwnSession starts a command in a session of its own, so that it outlives the
// terminal.
func OwnSession(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }
