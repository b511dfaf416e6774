package plugin

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
)

// longestSocketDir is how long the directory of the official plugin's socket may be, in
// bytes: the address of a unix socket has 104 on macOS and the BSDs, four less than on
// Linux, an end of one byte, and a name of at most 42 behind a slash.
const longestSocketDir = 104 - 1 - 1 - len("4294967295_session_manager_plugin_mux.sock")

// socketDirPattern is the name of a directory of ours, as os.MkdirTemp takes it.
const socketDirPattern = "ssmguard-*"

// socketDir returns a short private directory for the socket that the official plugin makes
// in the directory for temporary files, and what removes it; "" if that directory, temp,
// serves. Official plugins fail where its name is too long, or where it is missing.
func socketDir(temp string, others ...string) (dir string, remove func(), err error) {
	if info, err := os.Stat(temp); err == nil && info.IsDir() && len(temp) <= longestSocketDir || runtime.GOOS == "windows" {
		return "", func() {}, nil
	}
	for _, other := range others {
		if other == "" || len(filepath.Join(other, socketDirPattern))+len("4294967295") > longestSocketDir {
			continue
		}
		if dir, err := os.MkdirTemp(other, socketDirPattern); err == nil {
			return dir, func() { os.RemoveAll(dir) }, nil
		}
	}
	return "", nil, errors.New("there is no directory with a short name for the session's socket; set TMPDIR to one")
}

// socketDirs are where a directory of ours may be made, given a function that looks
// variables up.
func socketDirs(getenv func(string) string) []string {
	return []string{getenv("XDG_RUNTIME_DIR"), "/tmp", "/var/tmp"}
}
