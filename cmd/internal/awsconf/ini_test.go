package awsconf

import (
	"testing"

	"github.com/google/go-cmp/cmp"
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
		`profile "my dev"`: {values: map[string]string{"services": "loc"},
			nested: map[string]map[string]string{"s3": {"endpoint_url": "http://s3", "x": "y=z"}}},
		"services loc": {values: map[string]string{}, nested: map[string]map[string]string{"ssm": {"endpoint_url": "http://ssm"}}},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(section{})); diff != "" {
		t.Error(diff)
	}
}

func TestBadINI(t *testing.T) {
	for _, text := range []string{
		"region = x\n",                    // no section
		"[default]\nregion\n",             // no delimiter
		"[a]\n[a]\n",                      // section twice
		"[a]\nx=1\nX=2\n",                 // key twice
		"[a]\nssm =\n  endpoint_url\n",    // nested without delimiter
		"[a]\n= x\n",                      // no key
		"[]\n",                            // no name
		"[default\naws_access_key_id=x\n", // not closed
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
	for _, in := range []string{`"open`, `'open`, `end\`} {
		if got, err := SplitWords(in); err == nil {
			t.Errorf("%q: accepted as %q", in, got)
		}
	}
}

func FuzzINI(f *testing.F) {
	f.Add("[default]\nregion = x\n")
	f.Add("[a]\nb =\n  c = d\n\n  e\n")
	f.Fuzz(func(_ *testing.T, text string) { _, _ = parseINI(text, true) })
}
