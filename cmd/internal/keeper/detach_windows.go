package keeper

import "os/exec"

// OwnSession does nothing: launch refuses before it matters.
func OwnSession(*exec.Cmd) {}
