//go:build !windows

package tunnel

import (
	"errors"
	"os"
	"os/exec"

	"golang.org/x/sys/unix"

	"ssmguard/cmd/internal/env"
)

// readyFile is the descriptor for the report that a background process's tunnels are ready.
const readyFile = 3

// passReady gives a command the file for its report.
func passReady(cmd *exec.Cmd, report *os.File) error {
	cmd.ExtraFiles = []*os.File{report}
	return nil
}

// readyReport is the file for our report.
func readyReport(*env.Process) *os.File { return os.NewFile(readyFile, "ready") }

// interrupt ends a background process that is not ready.
func interrupt(cmd *exec.Cmd) { cmd.Process.Signal(os.Interrupt) } //nolint:errcheck // it may have ended

// detachable does nothing: the descriptors of the streams are replaced.
func detachable(*env.Process) {}

// redirect detaches the standard streams: input is empty, and output goes to the log,
// the traces of a crash included.
func redirect(p *env.Process, log *os.File) error {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	defer null.Close()
	var errs []error
	for _, s := range []struct {
		stream any
		to     *os.File
	}{{p.Stdin, null}, {p.Stdout, log}, {p.Stderr, log}} {
		if f := env.FileOf(s.stream); f != nil {
			errs = append(errs, unix.Dup2(int(s.to.Fd()), int(f.Fd())))
		}
	}
	return errors.Join(errs...)
}
