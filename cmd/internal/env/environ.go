package env

import (
	"os/user"
	"path/filepath"
	"runtime"
	"strings"
)

// Getenv returns a variable's value, "" when it is not set.
func (p *Process) Getenv(name string) string {
	value, _ := p.Lookup(name)
	return value
}

// Lookup returns a variable's value and whether it is set.
func (p *Process) Lookup(name string) (string, bool) {
	value, ok := lookupIn(runtime.GOOS, p.Environ, name)
	if !ok && name == "HOME" && p.home != "" {
		return p.home, true
	}
	return value, ok
}

// lookupIn returns a variable of an environment. On Windows, names are not
// case-sensitive, and the home directory is in USERPROFILE: a HOME there was set by a
// Unix shell, and neither Python nor the AWS CLI reads it.
func lookupIn(system string, environ []string, name string) (string, bool) {
	find := func(name string) (string, bool) {
		for _, entry := range environ {
			key, value, ok := strings.Cut(entry, "=")
			if ok && (key == name || system == "windows" && strings.EqualFold(key, name)) {
				return value, true
			}
		}
		return "", false
	}
	if system != "windows" || name != "HOME" {
		return find(name)
	}
	if home, ok := find("USERPROFILE"); ok {
		return home, true
	}
	if path, ok := find("HOMEPATH"); ok {
		drive, _ := find("HOMEDRIVE")
		return drive + path, true
	}
	return find(name)
}

// UserDir is the directory that a variable of the XDG base directory specification
// names, or its default below the home directory; "" without a home directory.
func (p *Process) UserDir(variable, fallback string) string {
	if dir := p.Getenv(variable); dir != "" {
		return dir
	}
	home := p.Getenv("HOME")
	if home == "" {
		return ""
	}
	return filepath.Join(home, fallback)
}

// homeOfUser is the home directory in the system's user database, for a process without
// HOME; "" if it has none.
func homeOfUser(environ []string) string {
	if _, ok := lookupIn(runtime.GOOS, environ, "HOME"); ok {
		return ""
	}
	u, err := user.Current()
	if err != nil {
		return ""
	}
	return u.HomeDir
}
