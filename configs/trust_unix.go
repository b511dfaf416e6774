//go:build unix

package configs

import (
	"io/fs"
	"syscall"
)

// nonblock makes opening a pipe return without a writer.
const nonblock = syscall.O_NONBLOCK

// ownerOf returns a file's owner, if the system tells it.
func ownerOf(info fs.FileInfo) (owner, bool) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return owner{}, false
	}
	return owner{int(s.Uid), int(s.Gid), info.Mode()}, true
}
