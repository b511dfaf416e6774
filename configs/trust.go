package configs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"ssmguard/internal/private"
	"ssmguard/internal/yamlfile"
)

// UnusedError is the reason why a project's file is not used. The user's own tunnels
// can still be used.
type UnusedError struct {
	File    string
	Foreign bool // others may have written the file: it is treated as missing
	Err     error
	root    *yaml.Node // its document, nil if it could not be read
}

// names returns the names of the file's tunnels and groups, if they could be read.
func (e *UnusedError) names() (names []string, readable bool) {
	if e.root == nil || e.root.Kind != yaml.MappingNode {
		return nil, false
	}
	for i := 0; i < len(e.root.Content); i += 2 {
		value := e.root.Content[i+1]
		switch {
		case e.root.Content[i].Value != "tunnels" && e.root.Content[i].Value != "groups":
		case value.Kind != yaml.MappingNode:
			return nil, false
		default:
			for j := 0; j < len(value.Content); j += 2 {
				names = append(names, value.Content[j].Value)
			}
		}
	}
	return names, true
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
	var distrusted *private.DistrustError
	if errors.As(private.CheckFile(file, info, sudo), &distrusted) {
		return nil, &UnusedError{File: file, Foreign: true, Err: fmt.Errorf("%w and is not used; %s", distrusted, distrusted.Advice())}
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
