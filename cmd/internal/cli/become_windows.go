package cli

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/windows"
)

// awsNames are the files that a program named aws may be.
var awsNames = []string{"aws.exe", "aws.bat", "aws.cmd"}

// executable is a matter of the name here.
func executable(fs.FileInfo) bool { return true }

// become runs a program in our place: no process can be replaced here. Its exit
// code becomes ours; Ctrl-C reaches it as it reaches us.
func (p *process) become(path string, args, environ []string) error {
	cmd, err := program(context.Background(), environ, path, args[1:]...)
	if err != nil {
		return err
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = p.stdin, p.stdout, p.stderr
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &exit):
		return endWith(exit.ExitCode())
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
