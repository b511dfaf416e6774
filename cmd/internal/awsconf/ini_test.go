package awsconf

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ssmguard/internal/memtest"
)

func TestINI(t *testing.T) {
	const text = `# comment
[default]
Region = eu-west-1 # kept
output: json
long = one
  two

  three
empty =
[profile "my dev"]
services = loc
s3 =
    endpoint_url = http://s3
    x=y=z
; comment
[services loc]
ssm =
  endpoint_url = http://ssm
`
	got, err := parseINI(text, true)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]section{
		"default": {values: map[string]string{"region": "eu-west-1 # kept", "output": "json", "long": "one\ntwo\n\nthree", "empty": ""},
			nested: map[string]map[string]string{}},
		`profile "my dev"`: {at: 1, values: map[string]string{"services": "loc"},
			nested: map[string]map[string]string{"s3": {"endpoint_url": "http://s3", "x": "y=z"}}},
		"services loc": {at: 2, values: map[string]string{}, nested: map[string]map[string]string{"ssm": {"endpoint_url": "http://ssm"}}},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(section{})); diff != "" {
		t.Error(diff)
	}
}

// TestINICorners holds what Python's configparser made of texts that few people
// write: shared sections, old newlines, odd blanks.
func TestINICorners(t *testing.T) {
	tests := []struct {
		text string
		want map[string]map[string]string
	}{
		{"[DEFAULT]\nregion = x\n[a]\noutput = json\n[b]\nregion = y\n",
			map[string]map[string]string{"a": {"region": "x", "output": "json"}, "b": {"region": "y"}}},
		{"[a]\nx = 1\n[DEFAULT]\ny = 2\n[DEFAULT]\nz = 3\n", map[string]map[string]string{"a": {"x": "1", "y": "2", "z": "3"}}},
		{"[a]\rx = 1\r\ry = 2\r\n", map[string]map[string]string{"a": {"x": "1", "y": "2"}}},
		{"[a]\nx = 1\x1c\n", map[string]map[string]string{"a": {"x": "1"}}},
		{"[a]\n\u0085x = 1\n y = 2\n", map[string]map[string]string{"a": {"x": "1", "y": "2"}}},
		{"[a] ; note\nx=1\n", map[string]map[string]string{"a": {"x": "1"}}},
		{"[a]\nx = [1]\n  [b]\n", map[string]map[string]string{"a": {"x": "[1]\n[b]"}}},
	}
	for _, tt := range tests {
		sections, err := parseINI(tt.text, true)
		if err != nil {
			t.Errorf("%q: %v", tt.text, err)
			continue
		}
		got := map[string]map[string]string{}
		for name, s := range sections {
			got[name] = s.values
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%q: %s", tt.text, diff)
		}
	}
}

// TestLastSectionCounts: two names of one profile are one profile.
func TestLastSectionCounts(t *testing.T) {
	for text, want := range map[string]string{
		"[default]\nregion = x\n[profile default]\nregion = y\n":    "y",
		"[profile default]\nregion = y\n[default]\nregion = x\n":    "x",
		"[profile \"default\"]\nregion = z\n[other]\nregion = no\n": "z",
	} {
		path := filepath.Join(t.TempDir(), "config")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		f := Read(func(key string) (string, bool) { return path, key == "AWS_CONFIG_FILE" }, os.ReadFile)
		if f.fault != nil {
			t.Fatal(f.fault)
		}
		if got := f.profiles["default"].values["region"]; got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestBadINI(t *testing.T) {
	for _, text := range []string{
		"region = x\n",                     // no section
		"[default]\nregion\n",              // no delimiter
		"[a]\n[a]\n",                       // section twice
		"[a]\nx=1\nX=2\n",                  // key twice
		"[a]\nssm =\n  endpoint_url\n",     // nested without delimiter
		"[a]\n= x\n",                       // no key
		"[]\n",                             // no name
		"[DEFAULT]\nx=1\n[DEFAULT]\nx=2\n", // shared key twice
		"[a]\n\x1c= x\n",                   // no key but a blank
		"[default\naws_access_key_id=x\n",  // not closed
	} {
		if s, err := parseINI(text, true); err == nil {
			t.Errorf("%q: accepted as %v", text, s)
		}
	}
}

func TestSplitWords(t *testing.T) {
	for in, want := range map[string][]string{
		`/bin/cp --x "a b" 'c d'`: {"/bin/cp", "--x", "a b", "c d"},
		`a\ b "x\"y\\z\n" ''`:     {"a b", `x"y\z\n`, ""},
		`$HOME ~ a|b`:             {"$HOME", "~", "a|b"},
		`pre"mid"'post'`:          {"premidpost"},
		"":                        nil,
		`  a  `:                   {"a"},
	} {
		got, err := SplitWords(in)
		if err != nil {
			t.Errorf("%q: %v", in, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: %s", in, diff)
		}
	}
	for _, in := range []string{`"open`, `'open`, `end\`, `"end\`} {
		if got, err := SplitWords(in); err == nil {
			t.Errorf("%q: accepted as %q", in, got)
		}
	}
}

// What botocore 1.34 (compat._windows_shell_split) makes of a credential_process on Windows.
func TestWordsOfWindows(t *testing.T) {
	for in, want := range map[string][]string{
		`C:\tools\creds.exe --x "a b"`:     {`C:\tools\creds.exe`, "--x", "a b"},
		`"C:\Program Files\creds.exe" a\b`: {`C:\Program Files\creds.exe`, `a\b`},
		`\\host\share\creds.exe C:\dir\`:   {`\\host\share\creds.exe`, `C:\dir\`},
		`a\\"b c\\" d`:                     {`a\b c\`, "d"},
		`a\"b`:                             {`a"b`},
		`"a\\" b`:                          {`a\`, "b"},
		`"" a`:                             {"", "a"},
		`a "" b`:                           {"a", "", "b"},
		`'a b'`:                            {"'a", "b'"},
		"  a\tb  ":                         {"a", "b"},
		`a""b`:                             {"ab"},
		`"a""b"`:                           {"ab"},
		`a\\\"b c`:                         {`a\"b`, "c"},
		"a\nb c":                           {"a\nb", "c"},
		`"a b\\"`:                          {`a b\`},
		"":                                 nil,
		"   ":                              nil,
	} {
		got, err := commandWords("windows", in)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%q: %v\n%s", in, err, diff)
		}
	}
	for _, in := range []string{`"open`, `a"`} {
		if got, err := commandWords("windows", in); err == nil || err.Error() != "No closing quotation in string: "+in {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
	if got, err := commandWords("darwin", `a\ b`); err != nil || len(got) != 1 {
		t.Errorf("%q, %v", got, err)
	}
}

func FuzzINI(f *testing.F) {
	f.Add("[default]\nregion = x\n")
	f.Add("[a]\nb =\n  c = d\n\n  e\n")
	f.Fuzz(func(t *testing.T, text string) {
		defer memtest.Bounded(t, len(text))()
		got, err := parseINI(text, true)
		if err != nil {
			return
		}
		for name, s := range got {
			for key, value := range s.values {
				if key == "" || key != strings.ToLower(key) || key != trim(key) || value != strings.TrimRightFunc(value, isSpace) {
					t.Errorf("%q: section %q has %q = %q", text, name, key, value)
				}
			}
		}
		again, err := parseINI("# a comment\n\n"+text, true)
		if diff := cmp.Diff(got, again, cmp.AllowUnexported(section{})); err != nil || diff != "" {
			t.Errorf("%q, behind a comment: %v %s", text, err, diff)
		}
	})
}
