//go:build !windows

package keeper

import (
	"os/exec"
	"syscall"
)

// controlOnPort: a unix socket has an owner and a mode.
const controlOnPort = false

// OwnSession starts a command in a session of its own, so that it outlives the
// terminal.
func OwnSession(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }
