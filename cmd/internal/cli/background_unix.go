//go:build !windows

package cli

import (
	"errors"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// ownSession makes a command outlive our terminal.
func ownSession(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

// redirect lets go of what the standard streams are: nothing is read any more,
// and what is written goes to the log, the traces of a crash included.
func redirect(stdin, stdout, stderr any, log *os.File) error {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	defer null.Close()
	var errs []error
	for _, s := range []struct {
		stream any
		to     *os.File
	}{{stdin, null}, {stdout, log}, {stderr, log}} {
		if f := fileOf(s.stream); f != nil {
			errs = append(errs, unix.Dup2(int(s.to.Fd()), int(f.Fd())))
		}
	}
	return errors.Join(errs...)
}
