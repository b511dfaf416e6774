package tunnel

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"ssmguard/cmd/internal/exit"
	"ssmguard/internal/private"
)

// socketAddress returns the address unix:PATH with a path that leads to the same place
// from every directory.
func socketAddress(address string) (string, error) {
	path, ok := strings.CutPrefix(address, "unix:")
	if !ok {
		return address, nil
	}
	path, err := filepath.Abs(path)
	return "unix:" + path, err
}

// socketDir prepares the directory of a socket: a missing one is made for the user alone
// and removed by undo, and one in which another user could put a socket of their own in
// the place of ours is refused.
func socketDir(address string) (undo func(), err error) {
	path, ok := strings.CutPrefix(address, "unix:")
	if !ok {
		return func() {}, nil
	}
	dir := filepath.Dir(path)
	undo = func() {}
	switch err := os.Mkdir(dir, 0o700); {
	case err == nil:
		undo = func() { os.Remove(dir) } //nolint:errcheck // something else is in it by now
	case !errors.Is(err, fs.ErrExist):
		return undo, err
	}
	var distrusted *private.DistrustError
	if errors.As(private.CheckDir("", dir), &distrusted) && !(distrusted.Foreign && os.Geteuid() == 0) {
		return undo, exit.Coded(fmt.Sprintf("%v, who could put their own socket in the place of yours; %s, or choose another directory", distrusted, distrusted.Advice()), exit.Config)
	}
	return undo, nil
}
