package door

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"

	"ssmguard/internal/nettext"
)

// socket is a unix listener and the path it was given.
type socket struct {
	*net.UnixListener
	path string
}

// openSocket listens on a path that only its owner can use. The socket is made in a
// private directory and moved, so that nobody can connect before its mode is set.
func (d *Door) openSocket(path string) error {
	if err := reachable(path, runtime.GOOS); err != nil {
		return err
	}
	if err := clear(path); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(filepath.Dir(path), ".s")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	first := filepath.Join(dir, "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: first, Net: "unix"})
	if err != nil {
		if nettext.NoAddress(err) {
			return fmt.Errorf("this system has no unix sockets, so there is no %s; give a port", path)
		}
		if nettext.TooLong(err) { // of the directory in which it is made, which is a few bytes longer
			return fmt.Errorf("the path of the socket %s is too long for the system; give a shorter one", path)
		}
		if number, isSystem := errnoOf(err); isSystem {
			return fmt.Errorf("cannot listen on the socket %s: %w", path, number)
		}
		return err
	}
	l.SetUnlinkOnClose(false)
	err = os.Chmod(first, 0o600)
	if err == nil {
		err = os.Rename(first, path)
	}
	if err != nil {
		l.Close()
		return err
	}
	made, err := os.Lstat(path)
	if err != nil {
		l.Close()
		return err
	}
	d.listeners = []net.Listener{&socket{l, path}}
	d.remove = func() {
		if now, err := os.Lstat(path); err == nil && os.SameFile(made, now) {
			os.Remove(path)
		}
	}
	return nil
}

// reachable returns an error for a path that no client could give to the system, though a
// socket that is moved there can stand there.
func reachable(path, system string) error {
	if longest := longestSocket(system); len(path) > longest {
		return fmt.Errorf("clients cannot connect to the socket %s: its path has %d bytes, and the system takes %d; give a shorter one", path, len(path), longest)
	}
	return nil
}

// clear removes a socket without a listener from a path, and nothing else.
func clear(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("%s exists and is not a socket", path)
	}
	conn, err := net.Dial("unix", path)
	if err == nil {
		conn.Close()
		return &InUseError{Address: "unix:" + path}
	}
	if !nettext.Refused(err) {
		return err
	}
	return os.Remove(path)
}
