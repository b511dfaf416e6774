package configs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"ssmguard/internal/safetext"
	"ssmguard/internal/yamlfile"
)

func everything(string, string) bool { return true }

// project loads a user's and a project's file, and returns the project's too.
func project(t *testing.T, user, text string, getenv func(string) (string, bool)) (Config, string) {
	t.Helper()
	dir := t.TempDir()
	file := write(t, filepath.Join(dir, "repo", ProjectFile), text)
	c, err := Load(Places{UserFile: write(t, filepath.Join(dir, "own.yaml"), user), Dir: filepath.Dir(file), Getenv: getenv, Trusted: everything})
	if err != nil {
		t.Fatal(err)
	}
	return c, file
}

// A project's file takes no variable that may hold a credential or that it has
// no need of, the user's own takes none that holds a credential.
func TestVariablesOfFiles(t *testing.T) {
	for _, test := range []struct {
		name          string
		user, project bool // whether the file may use it
	}{
		{"AWS_SECRET_ACCESS_KEY", false, false},
		{"AWS_ACCESS_KEY_ID", false, false},
		{"AWS_SESSION_TOKEN", false, false},
		{"AWS_CONTAINER_AUTHORIZATION_TOKEN", false, false},
		{"aws_session_token", false, false},
		{"SSMGUARD_TOKEN", false, false},
		{"SSMGUARD_PLUGIN_CREDENTIALS", false, false},
		{"GITHUB_TOKEN", false, false},
		{"PGPASSWORD", false, false},
		{"MYSQL_PWD", false, false},
		{"CLIENT_SECRET", false, false},
		{"DATABASE_URL", true, false},
		{"PATH", true, false},
		{"PORT", true, false},
		{"XSSMGUARD_PORT", true, false},
		{"SSMGUARD_PORT", true, true},
		{"AWS_PROFILE", true, true},
		{"AWS_REGION", true, true},
		{"USER", true, true},
		{"HOME", true, true},
		{"XDG_RUNTIME_DIR", true, true},
	} {
		for _, use := range []string{"${" + test.name + "}", "a-${" + test.name + ":-b}"} {
			text := "tunnels:\n  db:\n    target: i-1\n    port: 1\n    reason: x-" + use + "\n"
			getenv := env(test.name, "of-the-environment")

			file := write(t, filepath.Join(t.TempDir(), "f.yaml"), text)
			c, err := Load(Places{UserFile: file, Getenv: getenv})
			judgeVariable(t, "own "+use, test.user, c.Tunnels["db"], err, file, test.name)

			c, file = project(t, "", text, getenv)
			var unused error
			if c.Unused != nil {
				unused = c.Unused
			}
			judgeVariable(t, "project's "+use, test.project, c.Tunnels["db"], unused, file, test.name)
		}
	}
}

func judgeVariable(t *testing.T, what string, allowed bool, got Tunnel, err error, file, name string) {
	t.Helper()
	switch {
	case allowed && (err != nil || !strings.Contains(got.Reason, "of-the-environment")):
		t.Errorf("%s: %q, %v", what, got.Reason, err)
	case !allowed && (err == nil || !strings.HasPrefix(err.Error(), file+":5: ${"+name+"} ") || strings.Contains(err.Error(), "\n")):
		t.Errorf("%s: %q, and %v", what, got.Reason, err)
	case !allowed && strings.Contains(err.Error(), "of-the-environment"):
		t.Errorf("%s: the error tells the value: %v", what, err)
	}
}

// What the table allows is what users are told.
func TestProjectVariablesAreDocumented(t *testing.T) {
	for _, file := range []string{"../docs/security.md", "schema/config.schema.json"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range projectVariables {
			if !strings.Contains(string(text), name) {
				t.Errorf("%s does not name %s", file, name)
			}
		}
	}
}

// No text of a file has a character that ends a line or moves the text around it.
func TestControlCharacters(t *testing.T) {
	for name, escape := range map[string]string{
		"line feed": `\n`, "carriage return": `\r`, "tab": `\t`, "NUL": `\0`, "escape": `\e`, "delete": `\x7f`, "C1": `\x9b`,
		"line separator": `\L`, "override": `\u202e`, "isolate": `\u2066`, "mark": `\u200f`,
	} {
		for _, at := range []string{"target", "host", "user", "database", "reason", "profile", "region", "listen"} {
			file := write(t, filepath.Join(t.TempDir(), "f.yaml"), "tunnels:\n  db:\n    port: 1\n    "+at+": \"a"+escape+"b\"\n")
			_, err := Load(Places{UserFile: file})
			if err == nil || !strings.Contains(err.Error(), file+":4: the text has the control character U+") {
				t.Errorf("%s in %s: %v", name, at, err)
			} else if strings.ContainsFunc(strings.ReplaceAll(err.Error(), "\n", ""), safetext.Control) {
				t.Errorf("%s in %s: the error has it: %q", name, at, err)
			}
		}
	}
	file := write(t, filepath.Join(t.TempDir(), "f.yaml"), "tunnels:\n  db: {target: i-1, port: 1, user: \"${SSMGUARD_U}\"}\n")
	if _, err := Load(Places{UserFile: file, Getenv: env("SSMGUARD_U", "a\nb")}); err == nil {
		t.Error("a variable brings a line feed in")
	}
	for _, key := range []string{`"a\nb"`, `? "a\nb"` + "\n  "} {
		file := write(t, filepath.Join(t.TempDir(), "f.yaml"), "tunnels:\n  "+key+": {target: i-1, port: 1}\n")
		if _, err := Load(Places{UserFile: file}); err == nil || strings.ContainsFunc(strings.ReplaceAll(err.Error(), "\n", ""), safetext.Control) {
			t.Errorf("key %s: %q", key, err)
		}
	}
	file = write(t, filepath.Join(t.TempDir(), "f.yaml"), "tunnels:\n  db: {target: i-1, port: 1, reason: \"Grüße, 世界 'and' $(x) `y` \\\\ #\"}\n")
	if _, err := Load(Places{UserFile: file}); err != nil {
		t.Errorf("text: %v", err)
	}
}

// The library quotes values in its messages.
func TestFaultOfWrongTypeIsText(t *testing.T) {
	file := write(t, filepath.Join(t.TempDir(), "f.yaml"), "tunnels:\n  db: {target: i-1, port: \"\\e]0;title\\a\"}\n")
	if _, err := Load(Places{UserFile: file}); err == nil || strings.ContainsFunc(strings.ReplaceAll(err.Error(), "\n", ""), safetext.Control) {
		t.Errorf("%q", err)
	}
}

// The user's own tunnels, groups and guard are the same in every project.
func TestProjectAddsAndReplacesNothing(t *testing.T) {
	user := "defaults: {guard: warn, region: eu-west-1}\ntunnels:\n  db: {target: i-own, port: 1}\n  plain: {target: i-own, port: 2}\ngroups: {mine: [db]}\n"
	for _, test := range []struct {
		name, project, ask string
		target             string // of the first tunnel
		guard              GuardMode
		profile            string
		warning            string
	}{
		{"tunnel of the same name", "tunnels:\n  db: {target: i-theirs, port: 1}\n", "db", "i-own", "warn", "", `db is .*own.yaml:3; the db of .*\.ssmguard\.yaml:2 is ignored; rename one to use both`},
		{"group of the name of a tunnel", "tunnels:\n  theirs: {target: i-theirs, port: 1}\ngroups: {db: [theirs]}\n", "db", "i-own", "warn", "", "db is .*own.yaml:3; "},
		{"group of the same name", "tunnels:\n  theirs: {target: i-theirs, port: 1}\ngroups: {mine: [theirs]}\n", "mine", "i-own", "warn", "", "mine is a group of your own file; "},
		{"tunnel of the name of a group", "tunnels:\n  mine: {target: i-theirs, port: 1}\n", "mine", "i-own", "warn", "", "mine is a group of your own file; "},
		{"another is asked for", "tunnels:\n  db: {target: i-theirs, port: 1}\n", "plain", "i-own", "warn", "", ""},
		{"defaults", "defaults: {guard: strict, profile: theirs}\n", "db", "i-own", "warn", "", ""},
		{"own in a group of theirs", "tunnels:\n  db: {target: i-theirs, port: 1}\ngroups: {all: [db]}\n", "all", "i-own", "warn", "", "db is "},
		{"guard off", "tunnels:\n  theirs: {target: i-theirs, port: 1, guard: off}\n", "theirs", "i-theirs", "warn", "", `\.ssmguard\.yaml:2: theirs: guard: off is ignored: a project's file cannot weaken the guard; you can, with --guard off`},
		{"guard off by default", "defaults: {guard: off, profile: p}\ntunnels:\n  theirs: {target: i-theirs, port: 1}\n", "theirs", "i-theirs", "warn", "p", `\.ssmguard\.yaml: defaults: guard: off is ignored`},
		{"guard on", "tunnels:\n  theirs: {target: i-theirs, port: 1, guard: on}\n", "theirs", "i-theirs", "on", "", ""},
		{"guard strict by default", "defaults: {guard: strict}\ntunnels:\n  theirs: {target: i-theirs, port: 1}\n", "theirs", "i-theirs", "strict", "", ""},
	} {
		c, _ := project(t, user, test.project, env())
		selected, err := c.Select(test.ask)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if got := selected[0]; got.Target != test.target || got.Guard != test.guard || got.Profile != test.profile || got.Region != "eu-west-1" {
			t.Errorf("%s: to %s, guard %s, profile %q, region %s", test.name, got.Target, got.Guard, got.Profile, got.Region)
		}
		wantWarnings(t, test.name, c.Warnings(test.ask), test.warning)
	}
	c, _ := project(t, "", "defaults: {guard: off}\n", env())
	if c.defaults.Guard != "on" {
		t.Errorf("a tunnel given on the spot has guard %s", c.defaults.Guard)
	}
	c, _ = project(t, "defaults: {guard: off}\n", "tunnels:\n  theirs: {target: i-theirs, port: 1}\n", env())
	if got, err := c.Select("theirs"); err != nil || got[0].Guard != "off" {
		t.Errorf("the user's own guard: off: %v, %v", got, err)
	}
}

// Only the user admits other users of the machine.
func TestProjectAdmitsNobody(t *testing.T) {
	theirs := "tunnels:\n  theirs: {target: i-theirs, port: 1}\n"
	for _, test := range []struct{ name, user, project, peer, warning string }{
		{"by its tunnel", "", "tunnels:\n  theirs: {target: i-theirs, port: 1, peer: any}\n", "", `\.ssmguard\.yaml:2: theirs: peer: any is ignored: a project's file cannot admit other users; you can, with --peer any`},
		{"by its defaults", "", "defaults: {peer: any}\n" + theirs, "", `\.ssmguard\.yaml: defaults: peer: any is ignored: `},
		{"the user does", "defaults: {peer: any}\n", theirs, PeerAny, ""},
		{"the project admits less", "defaults: {peer: any}\n", "defaults: {peer: own}\n" + theirs, PeerOwn, ""},
		{"the user's own tunnel", "tunnels:\n  theirs: {target: i-own, port: 1, peer: any}\n", "", PeerAny, ""},
	} {
		c, _ := project(t, test.user, test.project, env())
		selected, err := c.Select("theirs")
		if err != nil || selected[0].Peer != test.peer {
			t.Errorf("%s: %+v, %v", test.name, selected, err)
		}
		wantWarnings(t, test.name, c.Warnings("theirs"), test.warning)
	}
}

func wantWarnings(t *testing.T, name string, got []string, want string) {
	t.Helper()
	if want == "" && len(got) == 0 {
		return
	}
	if len(got) != 1 || want == "" || !regexp.MustCompile(want).MatchString(got[0]) {
		t.Errorf("%s: warnings %q, want one like %q", name, got, want)
	}
}

// Faults of a project's file concern the commands that need it.
func TestFaultyProject(t *testing.T) {
	user := "tunnels:\n  mine: {target: i-own, port: 1}\n"
	for _, test := range []struct{ name, text, warning string }{
		{"unknown key", "tunnels:\n  db: {target: i-1, port: 1, hots: x}\n", `:2: unknown key "hots", did you mean "host"\?; \.ssmguard\.yaml is not used`},
		{"two faults", "tunnels:\n  db: {target: i-1, port: 1, hots: x}\n  b: {target: i, port: 70000}\nnothing: 1\n", `:2: unknown key .* \(and 1 more\); \.ssmguard\.yaml is not used`},
		{"no yaml", "tunnels: [\n", "a value is missing, or a bracket here or above is not closed; "},
		{"group of nothing", "tunnels:\n  db: {target: i-1, port: 1}\ngroups: {g: [nobody]}\n", `:3: groups.g: no tunnel "nobody"; valid: db, mine; `},
		{"variable", "tunnels:\n  db: {target: \"${GITHUB_TOKEN}\", port: 1}\n", `:2: \$\{GITHUB_TOKEN\} has the name of a credential`},
	} {
		c, file := project(t, user, test.text, env("GITHUB_TOKEN", "x"))
		if got, err := c.Select("mine"); err != nil || got[0].Target != "i-own" {
			t.Errorf("%s: own tunnel: %v, %v", test.name, got, err)
		}
		var unused *UnusedError
		if _, err := c.Select("db"); !errors.As(err, &unused) || unused.File != file || unused.Foreign {
			t.Errorf("%s: the project's tunnel: %v", test.name, err)
		}
		if c.Faulty() == nil {
			t.Errorf("%s: what is given on the spot goes on without the project's defaults", test.name)
		}
		wantWarnings(t, test.name, c.Warnings("mine"), test.warning)
	}
}

// A file that others may have written is not used, and the user's own tunnels are.
func TestForeignProject(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("who may write a file is not told by its mode here")
	}
	for _, test := range []struct {
		name    string
		make    func(file string) error
		root    bool
		warning string
	}{
		{"of another user", func(file string) error { return os.Chown(file, 65534, 65534) }, true, `^/.*/repo/\.ssmguard\.yaml belongs to uid 65534 and is not used; chown it if you trust it$`},
		{"for everybody", func(file string) error { return os.Chmod(file, 0o666) }, false, `^/.*/repo/\.ssmguard\.yaml can be written by others \(mode 0666\) and is not used; chmod go-w it if you trust it$`},
		{"for a group", func(file string) error { return errors.Join(os.Chown(file, 0, 12), os.Chmod(file, 0o664)) }, true, `can be written by others \(mode 0664\)`},
		{"a link to one", func(file string) error {
			return errors.Join(os.Rename(file, file+"2"), os.Chmod(file+"2", 0o666), os.Symlink(file+"2", file))
		}, false, `can be written by others`},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.root && os.Geteuid() != 0 {
				t.Skip("only root gives files away")
			}
			dir := t.TempDir()
			file := write(t, filepath.Join(dir, "repo", ProjectFile), "defaults: {profile: theirs}\ntunnels:\n  db: {target: i-theirs, port: 1}\n")
			if err := test.make(file); err != nil {
				t.Fatal(err)
			}
			user := write(t, filepath.Join(dir, "own.yaml"), "tunnels:\n  mine: {target: i-own, port: 1}\n")
			c, err := Load(Places{UserFile: user, Dir: filepath.Dir(file), Trusted: everything})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Select("mine"); err != nil {
				t.Errorf("own tunnel: %v", err)
			}
			if _, theirs := c.Tunnels["db"]; theirs || c.defaults.Profile != "" || len(c.Files) != 1 {
				t.Errorf("it is used: %+v", c)
			}
			if err := c.Faulty(); err != nil {
				t.Errorf("it stops what is given on the spot: %v", err)
			}
			var unused *UnusedError
			if _, err := c.Select("db"); !errors.As(err, &unused) || !unused.Foreign {
				t.Errorf("the project's tunnel: %v", err)
			}
			wantWarnings(t, test.name, c.Warnings("mine"), test.warning)
		})
	}
}

// A folder or a dangling link is not a project's file.
func TestProjectFileThatIsNone(t *testing.T) {
	dir := t.TempDir()
	if err := errors.Join(os.MkdirAll(filepath.Join(dir, "a", ProjectFile), 0o700), os.Symlink("nowhere", filepath.Join(dir, "link"))); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, ProjectFile), "tunnels:\n  db: {target: i-1, port: 1}\n")
	c, err := Load(Places{Dir: filepath.Join(dir, "a"), Trusted: everything})
	if _, found := c.Tunnels["db"]; err != nil || !found || c.Unused != nil {
		t.Errorf("%+v, %v", c, err)
	}
	if _, err := ReadOwned(filepath.Join(dir, "a", ProjectFile), nil); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder is read: %v", err)
	}
}

func ExampleConfig_Warnings() {
	c := Config{Unused: &UnusedError{File: "/p/.ssmguard.yaml", Err: yamlfile.Faults{{File: "/p/.ssmguard.yaml", Line: 3, Text: "port is 70000, give 1 to 65535"}}}}
	fmt.Println(c.Warnings()[0])
	// Output: /p/.ssmguard.yaml:3: port is 70000, give 1 to 65535; .ssmguard.yaml is not used
}
