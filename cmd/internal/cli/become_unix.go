//go:build unix

package cli

import (
	"io/fs"
	"os"
	"os/exec"
	"syscall"
)

// awsNames are the files that a program named aws may be.
var awsNames = []string{"aws"}

func executable(info fs.FileInfo) bool { return info.Mode().Perm()&0o111 != 0 }

// become replaces our process by a program. It returns only when that fails.
func (p *process) become(path string, args, environ []string) error {
	return &os.PathError{Op: "run", Path: path, Err: syscall.Exec(path, args, environ)}
}

// throughShell is for batch files, which there are none of here.
func throughShell(*exec.Cmd) error { return nil }
