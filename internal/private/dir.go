package private

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// CheckDir returns a *DistrustError if others than the user and root can write to
// base/names[0]/names[1]... or to a directory on the way from base. base itself may be as
// /tmp is. Directories that do not exist yet are no error. sudo is the value of SUDO_UID.
func CheckDir(sudo, base string, names ...string) error {
	info, err := os.Stat(base)
	if err == nil {
		err = check(base, info, sudo, true)
	}
	at := base
	for _, name := range names {
		if err != nil {
			break
		}
		at = filepath.Join(at, name)
		err = checkBelow(at, sudo)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// checkBelow checks one directory below the first. A link has to be the user's or root's,
// as does the directory that it leads to.
func checkBelow(dir, sudo string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		if err := check(dir, info, sudo, false); err != nil {
			return err
		}
		if info, err = os.Stat(dir); err != nil {
			return err
		}
	}
	if !info.IsDir() {
		return &fs.PathError{Op: "open", Path: dir, Err: errors.New("is no directory")}
	}
	return check(dir, info, sudo, false)
}

// CheckOwners returns a *DistrustError if base/names[0]/names[1]..., or a directory on the
// way from base, or a link in the place of one, belongs to another user than the own one and
// root. Root uses what belongs to the owner of base, too: a container may have it from its
// host. Unlike CheckDir it does not ask who can write. What does not exist is no error.
func CheckOwners(base string, names ...string) error {
	info, err := os.Stat(base)
	if err != nil {
		return nil //nolint:nilerr // whoever opens it says why it cannot be opened
	}
	host := ""
	if o, known := OwnerOf(info); known {
		host = strconv.Itoa(o.UID)
	}
	at := base
	for i := 0; ; i++ {
		for _, stat := range [...]func(string) (fs.FileInfo, error){os.Lstat, os.Stat} {
			info, err := stat(at)
			if err != nil {
				return nil //nolint:nilerr // likewise
			}
			if o, known := OwnerOf(info); known {
				if why := o.foreign(os.Geteuid(), host); why != "" {
					return &DistrustError{at, true, why}
				}
			}
		}
		if i == len(names) {
			return nil
		}
		at = filepath.Join(at, names[i])
	}
}

// MakeDir is CheckDir that makes the directories that do not exist, for the user alone,
// and returns the path of the last one.
func MakeDir(sudo, base string, names ...string) (string, error) {
	dir := filepath.Join(append([]string{base}, names...)...)
	if err := CheckDir(sudo, base, names...); err != nil {
		return dir, err
	}
	if err := os.MkdirAll(base, 0o700); err != nil {
		return dir, err
	}
	at := base
	for _, name := range names {
		at = filepath.Join(at, name)
		err := os.Mkdir(at, 0o700)
		switch {
		case err == nil:
			err = os.Chmod(at, 0o700) // whatever the umask
		case errors.Is(err, fs.ErrExist):
			err = nil
		}
		if err != nil {
			return dir, err
		}
	}
	return dir, CheckDir(sudo, base, names...)
}
