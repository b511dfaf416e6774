package private

import (
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"strconv"
)

// Owner is the owner of a file or directory, and its permissions.
type Owner struct {
	UID, GID int
	Mode     fs.FileMode
}

// The rule about who may have written a file, or what is in a directory, is that of git's
// safe.directory and of ssh's StrictModes: the user, and root.

// foreign returns the reason if the owner is another user. me is the effective user; sudo is
// the value of SUDO_UID, because root works in the folders of the user who called sudo.
func (o Owner) foreign(me int, sudo string) string {
	if o.UID != me && o.UID != 0 && !(me == 0 && strconv.Itoa(o.UID) == sudo) {
		return fmt.Sprintf("belongs to uid %d", o.UID)
	}
	return ""
}

// writable returns the reason if others than the owner can write.
func (o Owner) writable(private func(gid, uid int) bool) string {
	if o.Mode&0o002 != 0 || o.Mode&0o020 != 0 && !private(o.GID, o.UID) {
		return fmt.Sprintf("can be written by others (mode %04o)", o.Mode.Perm())
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

// DistrustError is a file or directory that others may have written.
type DistrustError struct {
	Path string
	// Foreign means that its owner is another user; otherwise others can write it.
	Foreign bool
	Why     string // "belongs to uid 1001", "can be written by others (mode 0777)"
}

// Error names the path and the reason.
func (e *DistrustError) Error() string { return e.Path + " " + e.Why }

// Advice is what the user does about it.
func (e *DistrustError) Advice() string {
	if e.Foreign {
		return "chown it if you trust it"
	}
	return "chmod go-w it if you trust it"
}

// CheckFile returns a *DistrustError if others than the user and root may have written an
// open file. sudo is the value of SUDO_UID.
func CheckFile(path string, info fs.FileInfo, sudo string) error {
	return check(path, info, sudo, false)
}

// check returns a *DistrustError if others may have written a file or directory. Where
// sticky is set a directory may be as /tmp is: everybody writes, and nobody removes or
// renames what is another's.
func check(path string, info fs.FileInfo, sudo string, sticky bool) error {
	o, known := OwnerOf(info)
	if !known {
		return nil
	}
	if why := o.foreign(os.Geteuid(), sudo); why != "" {
		return &DistrustError{path, true, why}
	}
	if sticky && o.Mode&fs.ModeSticky != 0 || o.Mode&fs.ModeSymlink != 0 {
		return nil
	}
	if why := o.writable(isPrivateGroup); why != "" {
		return &DistrustError{path, false, why}
	}
	return nil
}
