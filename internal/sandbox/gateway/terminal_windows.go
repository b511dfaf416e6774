package gateway

import (
	"os"
	"os/exec"

	"ssmguard/proxy/channel/wire"
)

// Not called on Windows: starting a terminal fails there.

func interruptible(tty *os.File) (*os.File, error) { return tty, nil }

func setSize(*os.File, wire.Size) error { return nil }

func setApart(*exec.Cmd) {}

func killAll(cmd *exec.Cmd) error { return cmd.Process.Kill() }
