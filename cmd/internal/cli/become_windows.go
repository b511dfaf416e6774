package cli

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
)

// awsNames are the files that a program named aws may be.
var awsNames = []string{"aws.exe", "aws.bat", "aws.cmd"}

// executable is a matter of the name here.
func executable(fs.FileInfo) bool { return true }

// become runs a program in our place: no process can be replaced here. Its exit
// code becomes ours; Ctrl-C reaches it as it reaches us.
func (p *process) become(path string, args, environ []string) error {
	cmd := exec.Command(path, args[1:]...)
	cmd.Env = environ
	cmd.Stdin, cmd.Stdout, cmd.Stderr = p.stdin, p.stdout, p.stderr
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &exit):
		return statusError{exit.ExitCode()}
	}
	return &os.PathError{Op: "run", Path: path, Err: err}
}
