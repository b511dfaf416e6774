package awsconf

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"ssmguard/cmd/internal/awscli"
)

// environment is the CLI's view of the environment variables.
type environment struct {
	lookup func(string) (string, bool)
}

func (e environment) get(key string) string {
	v, _ := e.lookup(key)
	return v
}

// first returns the first variable that is set, even to nothing.
func (e environment) first(keys ...string) (string, bool) {
	for _, k := range keys {
		if v, ok := e.lookup(k); ok {
			return v, true
		}
	}
	return "", false
}

// path is a file name from a variable, or a default under the home directory,
// with ~ and variables expanded.
func (e environment) path(key, fallback string) string {
	p := fallback
	if v, ok := e.lookup(key); ok && key != "" {
		p = v
	}
	return awscli.Env{Lookup: e.lookup}.ExpandPath(p)
}

// aws is the name of a file in ~/.aws.
func (e environment) aws(elements ...string) string {
	return e.path("", filepath.Join(append([]string{"~", ".aws"}, elements...)...))
}

// files are the two files of ~/.aws, sorted into the CLI's tables.
type files struct {
	profiles    map[string]section // both files; the credentials file wins
	config      map[string]section // profiles of the config file alone
	credentials map[string]section // sections of the credentials file
	ssoSessions map[string]section
	services    map[string]section
}

func readFiles(env environment) (*files, error) {
	f := &files{profiles: map[string]section{}, config: map[string]section{},
		ssoSessions: map[string]section{}, services: map[string]section{}}
	sections, err := readINI(env.path("AWS_CONFIG_FILE", "~/.aws/config"))
	if err != nil {
		return nil, err
	}
	// Of two sections for one profile, such as [default] and [profile default],
	// the last counts.
	inOrder := func(a, b string) int { return sections[a].at - sections[b].at }
	for _, name := range slices.SortedFunc(maps.Keys(sections), inOrder) {
		f.sort(name, sections[name])
	}
	if f.credentials, err = readINI(env.path("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials")); err != nil {
		return nil, err
	}
	maps.Copy(f.profiles, f.config)
	for name, s := range f.credentials {
		f.profiles[name] = f.profiles[name].overlaid(s)
	}
	return f, nil
}

// sort files a section of the config file under its kind. A profile's name is a
// word, quoted if it holds blanks.
func (f *files) sort(name string, s section) {
	if name == "default" {
		f.config[name] = s
		return
	}
	for _, kind := range []struct {
		prefix string
		to     map[string]section
	}{{"profile", f.config}, {"sso-session", f.ssoSessions}, {"services", f.services}} {
		if !strings.HasPrefix(name, kind.prefix) {
			continue
		}
		if words, err := SplitWords(name); err == nil && len(words) == 2 {
			kind.to[words[1]] = s
		}
		return
	}
}

func (s section) overlaid(over section) section {
	out := section{values: maps.Clone(s.values), nested: maps.Clone(s.nested)}
	if out.values == nil {
		return over
	}
	maps.Copy(out.values, over.values)
	maps.Copy(out.nested, over.nested)
	return out
}

// profileNames returns what was asked for: the name given by --profile, else the
// one of the environment; explicit tells whether there is any.
func profileName(flag *string, env environment) (name string, explicit bool) {
	if flag != nil {
		return *flag, true
	}
	return env.first("AWS_PROFILE", "AWS_DEFAULT_PROFILE")
}

// scoped returns the settings of the profile in force.
func (f *files) scoped(name string, explicit bool) (section, error) {
	if !explicit {
		return f.profiles["default"], nil
	}
	s, ok := f.profiles[name]
	if !ok {
		return section{}, errorf(CodeOther, "The config profile (%s) could not be found", name)
	}
	return s, nil
}

// Profiles returns the names of the profiles of both files, sorted. lookup reads
// environment variables.
func Profiles(lookup func(string) (string, bool)) []string {
	f, err := readFiles(environment{lookup})
	if err != nil {
		return nil
	}
	return slices.Sorted(maps.Keys(f.profiles))
}
