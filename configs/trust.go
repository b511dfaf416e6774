package configs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"

	"ssmguard/internal/yamlfile"
)

// UnusedError is the reason why a project's file is not used. The user's own tunnels
// can still be used.
type UnusedError struct {
	File    string
	Foreign bool // others may have written the file: it is treated as missing
	Err     error
}

// Error returns one line for each fault.
func (e *UnusedError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *UnusedError) Unwrap() error { return e.Err }

// warning is the error in one line, for a command that continues without the file.
func (e *UnusedError) warning() string {
	first, _, _ := strings.Cut(e.Error(), "\n")
	if e.Foreign {
		return first
	}
	var all yamlfile.Faults
	if errors.As(e.Err, &all) && len(all) > 1 {
		first += fmt.Sprintf(" (and %d more)", len(all)-1)
	}
	return first + "; " + filepath.Base(e.File) + " is not used"
}

var errNotRegular = errors.New("not a regular file")

// ReadOwned returns the text of a file of the user's or of root's, or an *UnusedError when
// others may have written it. getenv is Places.Getenv.
func ReadOwned(file string, getenv func(string) (string, bool)) ([]byte, error) {
	f, err := os.OpenFile(file, os.O_RDONLY|nonblock, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat() // of the opened file: the name may lead to another file by now
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "read", Path: file, Err: errNotRegular}
	}
	sudo := ""
	if getenv != nil {
		sudo, _ = getenv("SUDO_UID")
	}
	if o, ok := ownerOf(info); ok {
		if why := o.distrust(os.Geteuid(), sudo, isPrivateGroup); why != "" {
			return nil, &UnusedError{file, true, fmt.Errorf("%s %s", file, why)}
		}
	}
	return yamlfile.ReadAll(file, f)
}

// findProject reads the nearest project file in dir or above; "" when there is none.
func findProject(dir string, getenv func(string) (string, bool)) (file string, data []byte, err error) {
	for dir != "" {
		file = filepath.Join(dir, ProjectFile)
		data, err = ReadOwned(file, getenv)
		if err == nil {
			return file, data, nil
		}
		// In a folder without search permission every name is refused.
		if _, statErr := os.Lstat(file); statErr == nil && !errors.Is(err, errNotRegular) && !errors.Is(err, fs.ErrNotExist) {
			return file, nil, err
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			break
		}
		dir = parent
	}
	return "", nil, nil
}

// owner is a file's owner and permissions.
type owner struct {
	uid, gid int
	mode     fs.FileMode
}

// distrust returns the reason why others may have written a file, with what to do; ""
// when the file belongs to the user or to root and nobody else can write it. The rule
// is that of git's safe.directory and of ssh's StrictModes. me is the effective user;
// sudo is SUDO_UID, because root works in the folders of the user who called sudo.
func (o owner) distrust(me int, sudo string, private func(gid, uid int) bool) string {
	switch {
	case o.uid != me && o.uid != 0 && !(me == 0 && strconv.Itoa(o.uid) == sudo):
		return fmt.Sprintf("belongs to uid %d and is not used; chown it if you trust it", o.uid)
	case o.mode&0o002 != 0, o.mode&0o020 != 0 && !private(o.gid, o.uid):
		return fmt.Sprintf("can be written by others (mode %04o) and is not used; chmod go-w it if you trust it", o.mode.Perm())
	}
	return ""
}

// isPrivateGroup reports whether a group belongs to one user and has the user's name.
// On systems with such groups, files are made writable for the group (umask 002).
func isPrivateGroup(gid, uid int) bool {
	g, groupErr := user.LookupGroupId(strconv.Itoa(gid))
	u, userErr := user.LookupId(strconv.Itoa(uid))
	return groupErr == nil && userErr == nil && g.Name == u.Username
}
