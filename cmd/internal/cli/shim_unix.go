//go:build unix

package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"al.essio.dev/pkg/shellescape"
)

// shimName is the file that a program named aws is.
const shimName = "aws"

// makeShim makes a link: called by the name aws, we are the AWS CLI's stand-in.
func makeShim(name, self string) error { return os.Symlink(self, name) }

// isShim tells whether a file is a link to us.
func isShim(name, self string) (bool, error) {
	to, err := os.Readlink(name)
	if err != nil {
		return false, nil // another program, or none
	}
	_, err = os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, coded(fmt.Sprintf("%s is a link to %s, which is gone; remove it", name, to), exitConfig)
	}
	return to == self || sameFile(name, self), nil
}

func sameFile(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}

// shimCommand is what a person would type for makeShim.
func shimCommand(name, self string) string {
	return "ln -s " + shellescape.Quote(self) + " " + shellescape.Quote(name)
}
