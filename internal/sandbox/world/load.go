package world

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"

	"ssmguard/internal/spelling"
	"ssmguard/internal/usertext"
	"ssmguard/internal/yamlfile"
)

//go:embed worlds/*.yaml
var shipped embed.FS

// Shipped returns the worlds that come with the program, by name.
func Shipped() ([]World, error) {
	entries, err := fs.ReadDir(shipped, "worlds")
	if err != nil {
		return nil, err
	}
	var all []World
	for _, e := range entries {
		w, err := Load(strings.TrimSuffix(e.Name(), ".yaml"))
		if err != nil {
			return nil, err
		}
		all = append(all, w)
	}
	return all, nil
}

// Load reads a world that comes with the program, by name, or a file: a name with a
// slash or ending in .yaml. Its faults are returned as Faults.
func Load(name string) (World, error) {
	file, data, err := Read(name)
	if err != nil {
		return World{}, err
	}
	w, err := parse(file, data)
	w.Name = strings.TrimSuffix(path.Base(name), ".yaml")
	return w, err
}

// Read returns the unparsed file that Load would read.
func Read(name string) (file string, data []byte, err error) {
	isFile := strings.ContainsAny(name, `/\`) || strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml")
	read, file := usertext.ReadFile, name
	if !isFile {
		read, file = shipped.ReadFile, path.Join("worlds", name+".yaml")
	}
	data, err = read(file)
	if errors.Is(err, fs.ErrNotExist) && !isFile {
		err = unknown(name)
	}
	return file, data, err
}

func parse(name string, data []byte) (World, error) {
	var f file
	v := check{file: name}
	if err := yamlfile.Decode(name, data, &f, func(root *yaml.Node, _ *yamlfile.Faults) { v.root = root }); err != nil {
		return World{}, err
	}
	w := f.world()
	v.world(&w)
	return w, v.faults.Err()
}

func unknown(name string) error {
	var known []string
	entries, err := fs.ReadDir(shipped, "worlds")
	for _, e := range entries {
		known = append(known, strings.TrimSuffix(e.Name(), ".yaml"))
	}
	if err != nil {
		return err
	}
	if near := spelling.Nearest(name, known); near != "" {
		return fmt.Errorf("no world %q, did you mean %q?", name, near)
	}
	return fmt.Errorf("no world %q; valid: %s; a file is named with its .yaml", name, strings.Join(known, ", "))
}
