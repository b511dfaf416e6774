//go:build unix

package session

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"ssmguard/cmd/internal/exit"
)

// IsShim reports whether a file is a link to ssmguard.
func IsShim(name, self string) (bool, error) {
	to, err := os.Readlink(name)
	if err != nil {
		return false, nil // another program, or no file
	}
	_, err = os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, exit.Coded(fmt.Sprintf("%s is a link to %s, which is gone; remove it", name, to), exit.Config)
	}
	return to == self || sameFile(name, self), nil
}

func sameFile(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}
