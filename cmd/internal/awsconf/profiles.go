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

// first returns the first variable that is set, even if it is empty.
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

// A scope has the settings of a command: a variable goes before the profile in force.
type scope struct {
	env     environment
	profile section
}

// lookup is the value of a variable or, if that is not set, of the profile's key.
func (s scope) lookup(variable, key string) (string, bool) {
	if v, ok := s.env.lookup(variable); ok {
		return v, true
	}
	return s.profile.get(key)
}

// get is lookup for settings for which an empty value counts as missing.
func (s scope) get(variable, key string) string {
	v, _ := s.lookup(variable, key)
	return v
}

// number returns a setting that must be a number if it is set.
func (s scope) number(variable, key string, fallback int) (int, error) {
	v, ok := s.lookup(variable, key)
	if !ok {
		return fallback, nil
	}
	n, number := awscli.ParseInt(v)
	if !number {
		return fallback, errorf(CodeOther, "invalid literal for int() with base 10: %s", awscli.Quote(v))
	}
	return n, nil
}

// aws is the name of a file in ~/.aws.
func (e environment) aws(elements ...string) string {
	return e.path("", filepath.Join(append([]string{"~", ".aws"}, elements...)...))
}

// Files are the config and credentials files of ~/.aws, read once a run and sorted into
// the CLI's tables, and the environment, whose variables have precedence.
type Files struct {
	env         environment
	fault       error              // of a file that cannot be parsed; Load reports it
	profiles    map[string]section // both files; the credentials file wins
	config      map[string]section // profiles of the config file alone
	credentials map[string]section // sections of the credentials file
	ssoSessions map[string]section
	services    map[string]section
}

// Read reads the files that the variables name, each once. It never fails: a file that
// cannot be parsed is an error for the commands that need it.
func Read(lookup func(string) (string, bool), readFile func(string) ([]byte, error)) *Files {
	f := &Files{env: environment{lookup}, profiles: map[string]section{}, config: map[string]section{},
		ssoSessions: map[string]section{}, services: map[string]section{}}
	f.fault = f.read(readFile)
	return f
}

func (f *Files) read(readFile func(string) ([]byte, error)) error {
	sections, err := readINI(f.env.path("AWS_CONFIG_FILE", "~/.aws/config"), readFile)
	if err != nil {
		return err
	}
	// Of two sections for one profile, such as [default] and [profile default],
	// the last counts.
	inOrder := func(a, b string) int { return sections[a].at - sections[b].at }
	for _, name := range slices.SortedFunc(maps.Keys(sections), inOrder) {
		f.sort(name, sections[name])
	}
	if f.credentials, err = readINI(f.env.path("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"), readFile); err != nil {
		return err
	}
	maps.Copy(f.profiles, f.config)
	for name, s := range f.credentials {
		f.profiles[name] = f.profiles[name].overlaid(s)
	}
	return nil
}

// sort files a section of the config file under its kind. A profile's name is a
// word, quoted if it holds blanks.
func (f *Files) sort(name string, s section) {
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

// profile returns the selected profile: that of --profile, otherwise the environment's.
// explicit reports whether one is selected.
func (f *Files) profile(flag *string) (name string, explicit bool) {
	if flag != nil {
		return *flag, true
	}
	return f.env.first("AWS_PROFILE", "AWS_DEFAULT_PROFILE")
}

// scoped returns the settings of the profile in force.
func (f *Files) scoped(name string, explicit bool) (section, error) {
	if !explicit {
		return f.profiles["default"], nil
	}
	s, ok := f.profiles[name]
	if !ok {
		return section{}, errorf(CodeOther, "The config profile (%s) could not be found", name)
	}
	return s, nil
}

// Profiles returns the names of the profiles of both files, sorted.
func (f *Files) Profiles() []string {
	if f.fault != nil {
		return nil
	}
	return slices.Sorted(maps.Keys(f.profiles))
}

// Profile returns the selected profile: the flag's, otherwise the environment's. exists
// is false if that profile does not exist; the wording of the CLI's errors depends on
// it.
func (f *Files) Profile(flag *string) (name string, exists bool) {
	name, explicit := f.profile(flag)
	_, err := f.scoped(name, explicit)
	return name, err == nil || f.fault != nil
}

// ErrorFormat is the format of error messages: the flag's, otherwise the environment's
// or the profile's, "" for the default.
func (f *Files) ErrorFormat(g awscli.Globals) string {
	if g.ErrorFormat != "" {
		return g.ErrorFormat
	}
	if v, ok := f.env.lookup("AWS_CLI_ERROR_FORMAT"); ok || f.fault != nil {
		return v
	}
	s, _ := f.scoped(f.profile(g.Profile))
	return s.values["cli_error_format"]
}

// Region returns the region that is stated: the flag's, otherwise the environment's or the
// profile's, "" for none. Nobody is asked, the instance metadata neither.
func (f *Files) Region(g awscli.Globals) string {
	profile, _ := f.scoped(f.profile(g.Profile))
	region, _ := scope{f.env, profile}.region(g.Region)
	return plainRegion(region)
}

// SignIn returns the command of the AWS CLI that renews the login behind a profile, given by
// --profile or else the environment, and the profile to name with it: "aws login" or "aws sso
// login", by the kind of the profile or of that which it takes its credentials from. The command is
// "" for credentials that come from no login, such as those of the environment.
func (f *Files) SignIn(flag *string) (command, profile string) {
	if flag == nil && f.env.get("AWS_ACCESS_KEY_ID") != "" {
		return "", ""
	}
	name, explicit := f.profile(flag)
	if !explicit {
		name = "default"
	}
	for range len(f.profiles) { // a profile may be its own source
		s := f.profiles[name]
		source, assumes := s.get("source_profile")
		switch {
		case s.has("role_arn") && assumes && source != name:
			name = source
			continue
		case s.has("role_arn"), s.has("web_identity_token_file"):
			return "", ""
		case s.has("sso_account_id"), s.has("sso_role_name"):
			return "aws sso login", name
		case f.credentials[name].has("aws_access_key_id"):
			return "", ""
		case s.has("login_session"):
			return "aws login", name
		}
		return "", ""
	}
	return "", ""
}
