//go:build !windows

package tunnel

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"ssmguard/cmd/internal/env"
)

// redirect detaches the standard streams: input is empty, and output goes to the log,
// the traces of a crash included.
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
		if f := env.FileOf(s.stream); f != nil {
			errs = append(errs, unix.Dup2(int(s.to.Fd()), int(f.Fd())))
		}
	}
	return errors.Join(errs...)
}
