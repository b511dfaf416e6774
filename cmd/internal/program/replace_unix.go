//go:build unix

package program

import (
	"io/fs"
	"os"
	"os/exec"
	"syscall"

	"ssmguard/cmd/internal/env"
)

// AWSNames are the file names of a program named aws.
var AWSNames = []string{"aws"}

// Executable reports whether a file may be run.
func Executable(info fs.FileInfo) bool { return info.Mode().Perm()&0o111 != 0 }

// Become replaces our process with a program. It returns only on an error.
func Become(p *env.Process, path string, args, environ []string) error {
	return &os.PathError{Op: "run", Path: path, Err: syscall.Exec(path, args, environ)}
}

// throughShell is for batch files, which exist on Windows only.
func throughShell(*exec.Cmd) error { return nil }
