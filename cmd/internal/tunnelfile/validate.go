package tunnelfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/trust"
	"ssmguard/configs"
	"ssmguard/internal/nettext"
	"ssmguard/internal/safetext"
	"ssmguard/internal/yamlfile"
)

// findings are what `tunnel validate` found, as it prints them as JSON.
type findings struct {
	Files    []file   `json:"files"`
	Faults   []fault  `json:"faults"`
	Warnings []string `json:"warnings"`
}

// file is a file without a fault.
type file struct {
	File    string `json:"file"`
	Tunnels int    `json:"tunnels"`
	Groups  int    `json:"groups"`
}

// fault is a fault of a file.
type fault struct {
	File string `json:"file"`
	Line int    `json:"line,omitempty"` // 0 for the whole file
	Text string `json:"text"`
}

// Validate says which faults configuration files have: the named ones, or those that
// commands here use. Faults are an error, with the exit code of configuration.
func Validate(p *env.Process, files []string, asJSON bool) error {
	found := findings{Files: []file{}, Faults: []fault{}, Warnings: []string{}}
	if len(files) == 0 {
		found.here(p)
	}
	for _, name := range files {
		found.named(p, name)
	}
	return found.print(p, asJSON)
}

// here looks at the files that commands in this directory use.
func (f *findings) here(p *env.Process) {
	dir, err := trust.WorkingDir()
	if err != nil {
		f.add("", err)
		return
	}
	c, err := trust.LoadConfig(p, dir)
	if err != nil { // of the user's file; the project's is looked at all the same
		f.add(trust.UserFile(p), err)
		if c, err = configs.Load(configs.Places{Dir: dir, Getenv: p.Lookup}); err != nil {
			f.add("", err)
		}
	}
	if c.Unused != nil {
		f.add(c.Unused.File, c.Unused)
	}
	f.content(c)
	if len(f.Files)+len(f.Faults) == 0 {
		f.Warnings = append(f.Warnings, fmt.Sprintf("there is no configuration file; %q writes one", "ssmguard tunnel add"))
	}
}

// named looks at one file. One with the name of projects' files is read as such.
func (f *findings) named(p *env.Process, name string) {
	places := configs.Places{UserFile: name, Getenv: p.Lookup}
	if filepath.Base(name) == configs.ProjectFile {
		dir, err := filepath.Abs(filepath.Dir(name))
		if err != nil {
			f.add(name, err)
			return
		}
		places = configs.Places{Dir: dir, Getenv: p.Lookup}
	}
	if _, err := os.Stat(name); err != nil {
		f.add(name, errors.Unwrap(err))
		return
	}
	c, err := configs.Load(places)
	if err != nil {
		f.add(name, err)
		return
	}
	if c.Unused != nil {
		f.add(name, c.Unused)
	}
	f.content(c)
}

// content adds what a configuration has, and the faults between its parts.
func (f *findings) content(c configs.Config) {
	for _, name := range c.Files {
		one := file{File: name}
		for _, t := range c.Tunnels {
			if t.File == name {
				one.Tunnels++
			}
		}
		for group := range c.Groups {
			if c.GroupFile(group) == name {
				one.Groups++
			}
		}
		f.Files = append(f.Files, one)
	}
	for _, err := range c.GroupFaults() {
		f.add("", err)
	}
	for _, twin := range c.Twins() {
		f.Warnings = append(f.Warnings, twin.Error())
	}
	f.Warnings = append(f.Warnings, c.Ignored()...)
}

// add adds the faults of an error about a file.
func (f *findings) add(name string, err error) {
	var faults yamlfile.Faults
	if !errors.As(err, &faults) {
		f.Faults = append(f.Faults, fault{File: name, Text: strings.TrimPrefix(strings.TrimPrefix(nettext.Of(err), name+": "), name+" ")})
		return
	}
	for _, one := range faults {
		f.Faults = append(f.Faults, fault{one.File, one.Line, one.Text})
	}
}

func (f *findings) print(p *env.Process, asJSON bool) error {
	var err error
	if asJSON {
		enc := safetext.NewEncoder(p.Stdout)
		enc.SetIndent("", "  ")
		err = enc.Encode(f)
	} else {
		for _, one := range f.Files {
			if _, failed := safetext.Fprintf(p.Stdout, "%s: %s, %s\n", one.File, count(one.Tunnels, "tunnel"), count(one.Groups, "group")); failed != nil {
				err = failed
			}
		}
		for _, text := range f.Warnings {
			safetext.Fprintf(p.Notes(), "ssmguard: warning: %s\n", text)
		}
	}
	switch {
	case err != nil || len(f.Faults) == 0:
		return err
	case asJSON:
		return exit.EndWith(exit.Config)
	}
	var all []error
	for _, one := range f.Faults {
		all = append(all, yamlfile.Fault{File: one.File, Line: one.Line, Text: one.Text})
	}
	return exit.WithCode(errors.Join(all...), exit.Config)
}

// count is a number of tunnels or groups in words.
func count(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}
