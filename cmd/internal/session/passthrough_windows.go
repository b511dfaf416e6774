package session

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/windows"
)

// ShimText is the text of the batch file name that starts ssmguard; "" if its path cannot
// be written for every code page.
func ShimText(name, self string) string {
	s, err := newShim(name, self)
	if err != nil {
		return ""
	}
	if all := s.texts(); len(all) > 0 {
		return all[0]
	}
	return ""
}

// IsShim reports whether a file is our batch file.
func IsShim(name, self string) (bool, error) {
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	s, err := newShim(name, self)
	return err == nil && s.isOurs(string(data)), err
}

func newShim(name, self string) (shim, error) {
	name, err := filepath.Abs(name)
	return shim{name: name, self: self, get: os.LookupEnv, short: shortName}, err
}

// shortName is the 8.3 name of a path, which NTFS may have.
func shortName(path string) string {
	long, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return ""
	}
	short := make([]uint16, windows.MAX_LONG_PATH)
	n, err := windows.GetShortPathName(long, &short[0], uint32(len(short)))
	if err != nil || int(n) > len(short) {
		return ""
	}
	return windows.UTF16ToString(short[:n])
}
