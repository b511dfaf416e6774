//go:build unix

package program

import (
	"io/fs"
	"os"
	"os/exec"
	"syscall"

	"ssmguard/cmd/internal/env"
)

// AWSNames are the files that a program named aws may be.
var AWSNames = []string{"aws"}

// Executable reports whether a file may be run.
func Executable(info fs.FileInfo) bool { return info.Mode().Perm()&0o111 != 0 }

// Become replaces our process by a program. It returns only when that fails.
func Become(p *env.Process, path string, args, environ []string) error {
	return &os.PathError{Op: "run", Path: path, Err: syscall.Exec(path, args, environ)}
}

// throughShell is for batch files, which there are none of here.
func throughShell(*exec.Cmd) error { return nil }
