package cli

import "os/exec"

// ownGroup does nothing: interruptGroup needs none here.
func ownGroup(*exec.Cmd) {}

// interruptGroup ends the command; no signal can be sent to it alone.
func interruptGroup(cmd *exec.Cmd) error { return cmd.Process.Kill() }
