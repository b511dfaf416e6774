package configs

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"ssmguard/internal/spelling"
	"ssmguard/internal/yamlfile"
)

// ProjectFile is the name of a project's file, in the working directory or above.
const ProjectFile = ".ssmguard.yaml"

//go:embed default.yaml
var defaultFile []byte

// Config is the merged configuration of a command: our defaults, the user's file, the
// project's file. A project's file adds tunnels and groups, and replaces none of the
// user's.
type Config struct {
	Files    []string // the files that were read, the user's first
	defaults Settings // of tunnels that are not the user's own
	Tunnels  map[string]Tunnel
	Groups   map[string][]string
	Unused   *UnusedError // the reason why the project's file is not used; nil if it is used, or if there is none

	groupFrom map[string]place // where groups are written
	own       Settings         // Defaults without those of the project's file
	notes     []note
	project   string // the project's file, if it is used
	effects   []Effect
	untrusted map[string]bool // by the name of an effect
}

// place is a place in a file.
type place struct {
	file string
	line int
}

// note is a part of a project's file that is ignored, and the reason.
type note struct {
	about string // a tunnel or group; "" for every command
	text  string
}

// Places are the places of configuration files. Empty fields are skipped.
type Places struct {
	UserFile string // ~/.config/ssmguard/config.yaml
	Dir      string // the directory in which the search for ProjectFile starts
	Getenv   func(string) (string, bool)
	// Trusted reports whether the user has trusted an effect of a project's file, by its
	// hash. nil means that nothing is trusted.
	Trusted func(file, hash string) bool
}

// UserFile returns the user's file under a configuration directory, as os.UserConfigDir gives it.
func UserFile(configDir string) string { return filepath.Join(configDir, "ssmguard", "config.yaml") }

// Load reads and merges the files. A missing file is not an error. Faults of our file
// or the user's are returned as Faults, those of the project's file are in
// Config.Unused.
func Load(p Places) (Config, error) {
	c := Config{Tunnels: map[string]Tunnel{}, Groups: map[string][]string{}, groupFrom: map[string]place{}}
	ours, _, err := parse("default.yaml", defaultFile, Variables{Lookup: p.Getenv})
	if err != nil {
		return Config{}, err
	}
	c.addOwn("default.yaml", ours)
	c.Files = nil
	if p.UserFile != "" {
		data, err := yamlfile.ReadFile(p.UserFile)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return Config{}, err
		}
		if err == nil {
			f, _, err := parse(p.UserFile, data, Variables{Lookup: p.Getenv})
			if err != nil {
				return Config{}, err
			}
			c.addOwn(p.UserFile, f)
		}
	}
	c.defaults = c.own
	if file, data, err := findProject(p.Dir, p.Getenv); file != "" {
		var f File
		var root *yaml.Node
		if err == nil {
			f, root, err = parse(file, data, Variables{p.Getenv, true})
		}
		if err == nil {
			err = c.addProject(file, f, p.Trusted)
		}
		if err != nil && !errors.As(err, &c.Unused) {
			c.Unused = &UnusedError{File: file, Err: err, root: root}
		}
	}
	return c, nil
}

// parse reads one configuration file. root is its document, of a faulty one as far as it
// could be read.
func parse(file string, data []byte, vars Variables) (f File, root *yaml.Node, err error) {
	if f, root, err = vars.decode(file, data); err != nil {
		return File{}, root, err
	}
	for name, t := range f.Tunnels {
		t.Name, t.File, t.From = name, file, fmt.Sprintf("%s:%d", file, lineOf(root, "tunnels", name))
		f.Tunnels[name] = t
	}
	f.lines = make(map[string]int)
	for name := range f.Groups {
		f.lines[name] = lineOf(root, "groups", name)
	}
	return f, root, f.validate(file, root).Err()
}

// addOwn merges our or the user's file into the configuration.
func (c *Config) addOwn(file string, f File) {
	c.Files = append(c.Files, file)
	c.own = f.Defaults.over(c.own)
	maps.Copy(c.Tunnels, f.Tunnels)
	maps.Copy(c.Groups, f.Groups)
	c.placeGroups(file, f)
}

func (c *Config) placeGroups(file string, f File) {
	for name := range f.Groups {
		c.groupFrom[name] = place{file, f.lines[name]}
	}
}

// addProject adds a project's file. On an error the configuration is unchanged.
func (c *Config) addProject(file string, f File, trusted func(file, hash string) bool) error {
	after := *c
	after.Files = append(slices.Clone(c.Files), file)
	after.Tunnels, after.Groups = maps.Clone(c.Tunnels), maps.Clone(c.Groups)
	if after.weakens(f.Defaults.Guard) {
		after.notes = append(after.notes, note{"", file + ": defaults: " + weakGuard(f.Defaults.Guard)})
		f.Defaults.Guard = ""
	}
	if f.Defaults.Peer == PeerAny {
		after.notes = append(after.notes, note{"", file + ": defaults: " + widePeer})
		f.Defaults.Peer = ""
	}
	after.defaults = f.Defaults.over(c.own)
	for _, name := range slices.Sorted(maps.Keys(f.Tunnels)) {
		t := f.Tunnels[name]
		if after.passOver(name, t.From) {
			continue
		}
		if after.weakens(t.Guard) {
			after.notes = append(after.notes, note{name, t.From + ": " + name + ": " + weakGuard(t.Guard)})
			t.Guard = ""
		}
		if t.Peer == PeerAny {
			after.notes = append(after.notes, note{name, t.From + ": " + name + ": " + widePeer})
			t.Peer = ""
		}
		t.project = true
		after.Tunnels[name] = t
	}
	added := map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(f.Groups)) {
		if !after.passOver(name, file) {
			added[name] = f.Groups[name]
		}
	}
	for _, name := range slices.Sorted(maps.Keys(added)) {
		after.groupFrom = maps.Clone(after.groupFrom)
		after.groupFrom[name] = place{file, f.lines[name]}
		if _, err := after.membersOf(name, added[name]); err != nil {
			return err
		}
	}
	maps.Copy(after.Groups, added)
	after.findEffects(file, f.Defaults, added, trusted)
	*c = after
	return nil
}

// passOver reports whether a name of a project's file is one of the user's own, and
// notes it.
func (c *Config) passOver(name, from string) bool {
	own, isTunnel := c.Tunnels[name]
	_, isGroup := c.Groups[name]
	if isTunnel && own.project || !isTunnel && !isGroup {
		return false
	}
	where := own.From
	if isGroup {
		where = "a group of your own file"
	}
	c.notes = append(c.notes, note{name, fmt.Sprintf("%s is %s; the %s of %s is ignored; rename one to use both", name, where, name, from)})
	return true
}

// weakens reports whether a project's file asks for less of the guard than the user does.
func (c *Config) weakens(guard GuardMode) bool {
	return guard != "" && guard.weakerThan(c.own.Guard)
}

func weakGuard(guard GuardMode) string {
	return fmt.Sprintf("guard: %s is ignored: a project's file cannot weaken the guard; you can, with --guard %s", guard, guard)
}

const widePeer = "peer: any is ignored: a project's file cannot admit other users; you can, with --peer any"

// Warnings are the warnings for a command about the tunnels and groups of these names:
// that the project's file is not used, or which parts of it are ignored. Without names it
// warns of groups that cannot be used, too.
func (c Config) Warnings(names ...string) (texts []string) {
	if c.Unused != nil {
		texts = append(texts, c.Unused.warning())
	}
	about := map[string]bool{"": true}
	for _, name := range names {
		about[name] = true
		for _, member := range c.Groups[name] {
			about[member] = true
		}
	}
	for _, n := range c.notes {
		if about[n.about] {
			texts = append(texts, n.text)
		}
	}
	if len(names) == 0 {
		for _, err := range c.GroupFaults() {
			texts = append(texts, err.Error())
		}
	}
	return texts
}

// Ignored says which parts of the project's file are ignored.
func (c Config) Ignored() (texts []string) {
	for _, n := range c.notes {
		texts = append(texts, n.text)
	}
	return texts
}

// GroupFile returns the file that has a group.
func (c Config) GroupFile(group string) string { return c.groupFrom[group].file }

// GroupFaults returns the faults of groups with members that there are not.
func (c Config) GroupFaults() (faults []error) {
	for _, name := range slices.Sorted(maps.Keys(c.Groups)) {
		if _, err := c.membersOf(name, c.Groups[name]); err != nil && (c.Unused == nil || !errors.Is(err, c.Unused)) {
			faults = append(faults, err)
		}
	}
	return faults
}

// Project returns the project's file, be it used or not; "" if there is none.
func (c Config) Project() string {
	if c.Unused != nil {
		return c.Unused.File
	}
	return c.project
}

// Faulty returns the faults of a project's file that is not used because of them.
func (c Config) Faulty() error {
	if c.Unused != nil && !c.Unused.Foreign {
		return c.Unused
	}
	return nil
}

// OnTheSpot returns the settings of a tunnel that is given on the spot. The error is an
// *UnusedError if the project's file is faulty, and an *UntrustedError if it has settings
// that the user has not trusted: without them the tunnel would be another one.
func (c Config) OnTheSpot() (Settings, error) {
	if err := c.Faulty(); err != nil {
		return Settings{}, err
	}
	if err := c.needs(""); err != nil {
		return Settings{}, err
	}
	return c.defaults, nil
}

// membersOf returns the members of a group. A member that is no tunnel is a fault of the
// group alone: a user's group may have tunnels of a project, which are not there elsewhere.
func (c Config) membersOf(group string, members []string) ([]string, error) {
	for _, member := range members {
		if _, ok := c.Tunnels[member]; ok {
			continue
		}
		err := c.unknown(member)
		if c.Unused != nil && errors.Is(err, c.Unused) {
			return nil, err
		}
		from := c.groupFrom[group]
		return nil, yamlfile.Faults{{File: from.file, Line: from.line, Text: "groups." + group + ": " + err.Error()}}
	}
	return members, nil
}

// Select returns the tunnels of the given names and groups, each once, in the order of
// the names, with defaults filled in. The error is an *UntrustedError if one of them is a
// project's and not trusted.
func (c Config) Select(names ...string) ([]Tunnel, error) {
	members, err := c.Members(names...)
	if err == nil {
		err = c.needs(append(members, names...)...)
	}
	if err != nil {
		return nil, err
	}
	var tunnels []Tunnel
	for _, name := range members {
		t := c.withDefaults(c.Tunnels[name])
		t.Wait = max(t.Wait, 0)
		tunnels = append(tunnels, t)
	}
	return tunnels, nil
}

// Key is a key of a tunnel.
type Key struct {
	Key, Value string
	Default    bool // it is not in the tunnel itself, but in defaults
}

// Keys returns the keys of a tunnel that have a value, trusted or not, with those that it
// has from defaults.
func (c Config) Keys(name string) (keys []Key, err error) {
	own, ok := c.Tunnels[name]
	if !ok {
		return nil, c.unknown(name)
	}
	ownFields, err := own.fields()
	if err != nil {
		return nil, err
	}
	all, err := c.withDefaults(own).fields()
	for _, f := range all {
		keys = append(keys, Key{f.key, f.text, !slices.Contains(ownFields, f)})
	}
	return keys, err
}

// withDefaults fills in the settings that a tunnel leaves to defaults.
func (c Config) withDefaults(t Tunnel) Tunnel {
	defaults := c.own
	if t.project {
		defaults = c.defaults
	}
	t.Settings = t.Settings.over(defaults)
	return t
}

// Members returns the names of the tunnels that the given names and groups stand for, each
// once, trusted or not.
func (c Config) Members(names ...string) (members []string, err error) {
	seen := make(map[string]bool)
	for _, name := range names {
		of, isGroup := c.Groups[name]
		if _, isTunnel := c.Tunnels[name]; isTunnel {
			of = []string{name}
		} else if !isGroup {
			return nil, c.unknown(name)
		} else if of, err = c.membersOf(name, of); err != nil {
			return nil, err
		}
		for _, member := range of {
			if !seen[member] {
				seen[member] = true
				members = append(members, member)
			}
		}
	}
	return members, nil
}

// unknown is the error for a name that is neither a tunnel nor a group. It is that of a
// file which is not used, if that has the name or cannot be read.
func (c Config) unknown(name string) error {
	known := append(slices.Sorted(maps.Keys(c.Tunnels)), slices.Sorted(maps.Keys(c.Groups))...)
	if c.Unused != nil {
		theirs, readable := c.Unused.names()
		if !readable || slices.Contains(theirs, name) || spelling.Nearest(name, known) == "" && spelling.Nearest(name, theirs) != "" {
			return c.Unused
		}
	}
	if near := spelling.Nearest(name, known); near != "" {
		return fmt.Errorf("no tunnel %q, did you mean %q?", name, near)
	}
	if len(known) == 0 {
		return fmt.Errorf("no tunnel %q: no configuration has any; `ssmguard tunnel add` writes one", name)
	}
	return fmt.Errorf("no tunnel %q; valid: %s", name, strings.Join(known, ", "))
}
