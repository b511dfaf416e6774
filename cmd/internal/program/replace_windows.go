package program

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/windows"

	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
)

// AWSNames are the file names of a program named aws.
var AWSNames = []string{"aws.exe", "aws.bat", "aws.cmd"}

// Executable is always true: on Windows the file name decides.
func Executable(fs.FileInfo) bool { return true }

// Become runs a program and waits for it, because Windows cannot replace a process. Its
// exit code becomes ours; Ctrl-C reaches both processes.
func Become(p *env.Process, path string, args, environ []string) error {
	cmd, err := Program(context.Background(), environ, path, args[1:]...)
	if err != nil {
		return err
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = p.Stdin, p.Stdout, p.Stderr
	err = cmd.Run()
	var ended *exec.ExitError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &ended):
		return exit.EndWith(ended.ExitCode())
	}
	return &os.PathError{Op: "run", Path: path, Err: err}
}

// batchCommand is the command line of a cmd.exe that runs batchVariable: without
// AutoRun, with its extensions, and ! meaning nothing.
const batchCommand = `cmd.exe /d /e:on /v:off /s /c "%` + batchVariable + `%"`

// throughShell makes a command run the command line in batchVariable.
func throughShell(cmd *exec.Cmd) error {
	system, err := windows.GetSystemDirectory()
	if err != nil {
		return err
	}
	cmd.Path = filepath.Join(system, "cmd.exe")
	cmd.SysProcAttr = &syscall.SysProcAttr{CmdLine: batchCommand}
	return nil
}
