package awscli

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A parityCase is one recorded run of the AWS CLI; see testdata/parity/run.py.
type parityCase struct {
	Name   string
	Argv   []string
	Env    map[string]*string
	Files  map[string]json.RawMessage
	Expect map[string]struct {
		Exit       int
		Stderr     *string
		Stdout     *string
		PluginArgv []string `json:"plugin_argv"`
	}
}

func loadCases(t *testing.T) []parityCase {
	t.Helper()
	data, err := os.ReadFile("../../ssmguard/testdata/parity/cases.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []parityCase
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

// sandbox lays the files of a case out and returns what its placeholders stand
// for and the environment in which its files are found.
func (c parityCase) sandbox(t *testing.T) (*strings.Replacer, Env) {
	t.Helper()
	dir := t.TempDir()
	home := filepath.Join(dir, "home")
	names := strings.NewReplacer("@DIR@", dir, "@HOME@", home)
	for name, raw := range c.Files {
		content := ""
		if json.Unmarshal(raw, &content) != nil {
			continue
		}
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(names.Replace(content)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return names, Env{
		Lookup: func(key string) (string, bool) { return home, key == "HOME" },
		ReadFile: func(path string) ([]byte, error) {
			if !filepath.IsAbs(path) {
				path = filepath.Join(dir, "cwd", path)
			}
			return os.ReadFile(path)
		},
	}
}

// ours are the faults that belong to the command line alone.
var ours = []string{"ParamValidation", "Unknown options", "invalid literal", "in <string>"}

// otherWords are faults that the AWS CLI tells by an exception of Python's: the exit
// code is compared, the text is ours.
var otherWords = []string{"params.json-nan", "params.fileb", "order.timeout-vs-missing-target"}

// meaning leaves out what of a text is Python's own wording.
func meaning(text string) string {
	for _, wording := range []struct{ find, put string }{
		{`(?s)Invalid JSON: .*?\nJSON received`, "Invalid JSON"},
		{`, value: .*, type: <class '\S+'>`, ""},
		{`for input:\n `, "for input:\n"}, // moves the place out from above its caret
		{`(paramfile \S+): .*`, "$1"},
		{`\n+Maybe you meant:\n(\n  \* \S+)+`, ""}, {`\n+`, "\n"}, {`\s+$`, ""},
	} {
		text = regexp.MustCompile(wording.find).ReplaceAllString(text, wording.put)
	}
	return text
}

// TestRecordedCommandLines parses the command line of every recorded case of
// `aws ssm start-session`: a fault of the command line has the recorded text and
// exit code, a good one gives the recorded plugin argument.
func TestRecordedCommandLines(t *testing.T) {
	notHere := []string{
		"input.json-dev-stdin",                          // needs the process's own stdin
		"ecs.not-interactive",                           // prints more, see the runner
		"order.profile-vs-missing-target",               // plain: the profile does not exist
		"order.retry-config-vs-creds",                   // configuration
		"order.region-vs-validation",                    // configuration comes first
		"config.parameter-validation-off",               // configuration
		"usage.abbrev-d-is-debug", "error.read-timeout", // other output
	}
	for _, c := range loadCases(t) {
		want := c.Expect["v2"]
		if slices.Contains(notHere, c.Name) || strings.HasPrefix(c.Name, "alias.") {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			names, env := c.sandbox(t)
			args := make([]string, len(c.Argv))
			for i, a := range c.Argv {
				args[i] = strings.NewReplacer("@HTTP@", "http://127.0.0.1:1", "@PORT@", "1", "@CLOSED@", "2").Replace(names.Replace(a))
			}
			inv, err := Parse(args, env)
			if inv.Command == Skeleton || strings.Contains(deref(want.Stderr), "--query") {
				return // another aws answers the one, nobody the other
			}
			if err == nil {
				err = inv.Validate()
			}
			if err == nil && inv.Refusal != nil {
				err = inv.Refusal
			}
			var usage *UsageError
			if errors.As(err, &usage) {
				text := strings.ReplaceAll(usage.Text(false), "127.0.0.1:1", "127.0.0.1:@PORT@")
				if slices.Contains(otherWords, c.Name) {
					text = names.Replace(deref(want.Stderr))
				}
				if want.Stderr == nil || meaning(text) != meaning(names.Replace(*want.Stderr)) || usage.Code != want.Exit {
					t.Errorf("exit %d\n%q\nwant %d\n%q", usage.Code, text, want.Exit, names.Replace(deref(want.Stderr)))
				}
				return
			}
			if slices.ContainsFunc(ours, func(s string) bool { return strings.Contains(deref(want.Stderr), s) }) {
				t.Errorf("accepted, want %q", deref(want.Stderr))
			}
			if inv.Command != StartSession || want.PluginArgv == nil {
				return
			}
			got := strings.ReplaceAll(inv.RequestJSON, "127.0.0.1:1", "127.0.0.1:@PORT@")
			if want := names.Replace(strings.ReplaceAll(want.PluginArgv[4], "@HTTP@", "http://127.0.0.1:@PORT@")); got != want {
				t.Errorf("request\n got %s\nwant %s", got, want)
			}
		})
	}
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// TestGlobalsBesideAnError: what to call an error depends on the profile, so that
// is known even when the rest is not.
func TestGlobalsBesideAnError(t *testing.T) {
	for _, args := range [][]string{
		{"--profile", "p", "--no"},
		{"ssm", "start-session", "--pro", "p"},
		{"ssm", "start-session", "--target", "x", "--output", "bogus", "--profile=p"},
	} {
		inv, err := Parse(args, Env{})
		if err == nil || inv.Globals.Profile == nil || *inv.Globals.Profile != "p" {
			t.Errorf("%q: %v, profile %v", args, err, inv.Globals.Profile)
		}
	}
}

func TestParseInt(t *testing.T) {
	for in, want := range map[string]int{"7": 7, " 10\n": 10, "-3": -3, "+4": 4} {
		if got, ok := ParseInt(in); got != want || !ok {
			t.Errorf("%q: %d, %v", in, got, ok)
		}
	}
	for _, in := range []string{"", "x", "1.0", "1_0", "0x10"} {
		if got, ok := ParseInt(in); ok {
			t.Errorf("%q: %d", in, got)
		}
	}
}

// TestPrintable: what stands on a command line or in a file moves no cursor.
func TestPrintable(t *testing.T) {
	_, err := Parse([]string{"ssm", "start-session", "--target", "i-1", "--parameters", "a\x1b[2J\u3000\u202e\xff"}, Env{})
	var usage *UsageError
	if !errors.As(err, &usage) || !strings.Contains(usage.Text(false), "input:\na\\x1b[2J\u3000\\u202e\ufffd\n ^") {
		t.Errorf("%v", err)
	}
}
