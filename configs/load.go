package configs

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// ProjectFile is the name looked for in the working directory and upward.
const ProjectFile = ".ssmguard.yaml"

//go:embed default.yaml
var defaultFile []byte

// Config is every file that bears on a command, merged: our defaults, the
// user's file, the project's file; the later wins, tunnel by tunnel.
type Config struct {
	Files    []string // the files that were read, least binding first
	Defaults Settings
	Tunnels  map[string]Tunnel
	Groups   map[string][]string
}

// Places says where configuration is looked for. Empty fields are skipped.
type Places struct {
	UserFile string // ~/.config/ssmguard/config.yaml
	Dir      string // where the search for ProjectFile starts
	Getenv   func(string) (string, bool)
}

// UserFile returns the user's file under a configuration directory, as os.UserConfigDir gives it.
func UserFile(configDir string) string { return filepath.Join(configDir, "ssmguard", "config.yaml") }

// Load reads and merges the files. A file that does not exist is no error; all
// that is wrong in the others is returned as Faults.
func Load(p Places) (Config, error) {
	c := Config{Tunnels: map[string]Tunnel{}, Groups: map[string][]string{}}
	if err := c.add("default.yaml", defaultFile, p.Getenv); err != nil {
		return Config{}, err
	}
	c.Files = nil
	for _, file := range []string{p.UserFile, findUp(p.Dir)} {
		if file == "" {
			continue
		}
		data, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return Config{}, err
		}
		if err := c.add(file, data, p.Getenv); err != nil {
			return Config{}, err
		}
	}
	return c, c.checkGroups()
}

// findUp returns the nearest project file in dir or above, or "".
func findUp(dir string) string {
	for dir != "" {
		file := filepath.Join(dir, ProjectFile)
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
			return file
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			break
		}
		dir = parent
	}
	return ""
}

// add lays one file over what is there. Its defaults reach its own tunnels
// and those without an answer from files before it.
func (c *Config) add(file string, data []byte, getenv func(string) (string, bool)) error {
	var f File
	if err := decode(file, data, &f, getenv); err != nil {
		return err
	}
	if err := f.validate(file).err(); err != nil {
		return err
	}
	c.Files = append(c.Files, file)
	c.Defaults = f.Defaults.over(c.Defaults)
	for name, t := range f.Tunnels {
		t.Name, t.From = name, fmt.Sprintf("%s:%d", file, t.line)
		t.Settings = t.Settings.over(f.Defaults)
		c.Tunnels[name] = t
	}
	for name, members := range f.Groups {
		c.Groups[name] = members
	}
	return nil
}

func (c Config) checkGroups() error {
	for _, group := range slices.Sorted(maps.Keys(c.Groups)) {
		for _, member := range c.Groups[group] {
			if _, ok := c.Tunnels[member]; !ok {
				return fmt.Errorf("group %q: %w", group, c.unknown(member))
			}
		}
	}
	return nil
}

// Select returns the tunnels that the given names stand for, groups opened,
// each once, in the order they are named. Defaults are filled in.
func (c Config) Select(names ...string) ([]Tunnel, error) {
	var tunnels []Tunnel
	seen := make(map[string]bool)
	take := func(name string) {
		t := c.Tunnels[name]
		t.Settings = t.Settings.over(c.Defaults)
		t.Wait = max(t.Wait, 0)
		if !seen[name] {
			seen[name] = true
			tunnels = append(tunnels, t)
		}
	}
	for _, name := range names {
		if members, ok := c.Groups[name]; ok {
			for _, m := range members {
				take(m)
			}
		} else if _, ok := c.Tunnels[name]; ok {
			take(name)
		} else {
			return nil, c.unknown(name)
		}
	}
	return tunnels, nil
}

// unknown is the message for a name that is neither a tunnel nor a group.
func (c Config) unknown(name string) error {
	known := append(slices.Sorted(maps.Keys(c.Tunnels)), slices.Sorted(maps.Keys(c.Groups))...)
	if near := Nearest(name, known); near != "" {
		return fmt.Errorf("no tunnel %q, did you mean %q?", name, near)
	}
	if len(known) == 0 {
		return fmt.Errorf("no tunnel %q: no configuration has any; `ssmguard tunnel add` writes one", name)
	}
	return fmt.Errorf("no tunnel %q, known are: %s", name, strings.Join(known, ", "))
}
