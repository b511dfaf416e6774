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

// AWSNames are the files that a program named aws may be.
var AWSNames = []string{"aws.exe", "aws.bat", "aws.cmd"}

// Executable is a matter of the name here.
func Executable(fs.FileInfo) bool { return true }

// Become runs a program in our place: no process can be replaced here. Its exit
// code becomes ours; Ctrl-C reaches it as it reaches us.
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

// throughShell has a command run what batchVariable says.
func throughShell(cmd *exec.Cmd) error {
	system, err := windows.GetSystemDirectory()
	if err != nil {
		return err
	}
	cmd.Path = filepath.Join(system, "cmd.exe")
	cmd.SysProcAttr = &syscall.SysProcAttr{CmdLine: batchCommand}
	return nil
}
