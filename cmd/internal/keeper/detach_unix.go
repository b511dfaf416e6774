//go:build !windows

package keeper

import (
	"os/exec"
	"syscall"
)

// OwnSession makes a command outlive our terminal.
func OwnSession(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }
