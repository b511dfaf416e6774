package trust

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/configs"
)

// Variable is the variable with the files and directories whose project files are
// trusted, for machines on which nobody can be asked.
const Variable = "SSMGUARD_TRUST"

// UserFile is the user's configuration file, "" without a home directory.
func UserFile(p *env.Process) string {
	dir := p.UserDir("XDG_CONFIG_HOME", ".config")
	if dir == "" {
		return ""
	}
	return configs.UserFile(dir)
}

// LoadConfig reads the configuration for commands in a directory. What the user has trusted
// is read only if there is a project's file. The error has the exit code of configuration.
func LoadConfig(p *env.Process, dir string) (configs.Config, error) {
	var once sync.Once // there is one project's file
	var listed bool
	var known entry
	trusted := func(file, hash string) bool {
		once.Do(func() {
			if listed = isListed(p.Getenv(Variable), file); listed {
				return
			}
			if s, err := findStore(p); err == nil {
				files, _ := s.read() // Ask returns the error
				known = files[resolved(file)]
			}
		})
		return listed || known.has(hash)
	}
	c, err := configs.Load(configs.Places{UserFile: UserFile(p), Dir: dir, Getenv: p.Lookup, Trusted: trusted})
	if err != nil {
		return c, exit.WithCode(err, exit.Config)
	}
	return c, nil
}

// LoadConfigHere is LoadConfig for the working directory.
func LoadConfigHere(p *env.Process) (configs.Config, error) {
	dir, err := WorkingDir()
	if err != nil {
		return configs.Config{}, err
	}
	return LoadConfig(p, dir)
}

// WorkingDir returns the directory from which a project's file is looked for. It has none if
// that was removed, or is one that another user may not enter.
func WorkingDir() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", exit.Coded("the working directory is gone or cannot be read, and a project's file is looked for from there; cd to another", exit.Config)
	}
	return dir, nil
}

// isListed reports whether a list of paths has a file, or a directory that the file is
// in or below. Relative paths do not count: they would be another place for each command.
func isListed(list, file string) bool {
	if list == "" {
		return false
	}
	file = resolved(file)
	for _, path := range filepath.SplitList(list) {
		if !filepath.IsAbs(path) {
			continue
		}
		path = resolved(path)
		if rest, ok := strings.CutPrefix(file, path); ok && (rest == "" || os.IsPathSeparator(rest[0]) || os.IsPathSeparator(path[len(path)-1])) {
			return true
		}
	}
	return false
}

// relativeListed is what to say about a relative path in a list, "" if it has none.
func relativeListed(list string) string {
	for _, path := range filepath.SplitList(list) {
		if path != "" && !filepath.IsAbs(path) {
			return "; " + strconv.Quote(path) + " in " + Variable + " is not an absolute path"
		}
	}
	return ""
}

// resolved is the absolute path of a file or directory without links; of one that is gone,
// as far as it can be found.
func resolved(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	if dir, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
		return filepath.Join(dir, filepath.Base(path))
	}
	return path
}
