//go:build unix

package private

import (
	"io/fs"
	"syscall"
)

// noFollow makes opening a link fail, and opening a pipe return without a writer.
const noFollow = syscall.O_NOFOLLOW | syscall.O_NONBLOCK

// OwnerOf returns a file's owner, if the system tells it.
func OwnerOf(info fs.FileInfo) (Owner, bool) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return Owner{}, false
	}
	return Owner{int(s.Uid), int(s.Gid), info.Mode()}, true
}

// forOthers reports whether others than the owner may read or write a file.
func forOthers(mode fs.FileMode) bool { return mode.Perm()&0o077 != 0 }
