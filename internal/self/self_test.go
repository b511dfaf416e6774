package self

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// A program that the system does not name is found by the name that it was called by.
func TestPath(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "ssmguard.exe")
	if err := os.WriteFile(program, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	t.Chdir(dir)
	unknown := errors.New("readlink /proc/self/exe: no such file or directory")
	for _, test := range []struct {
		name string
		args []string
		err  error
		want string // "" for an error
	}{
		{"the system tells", []string{"elsewhere"}, nil, "/bin/ssmguard"},
		{"by its path", []string{program}, unknown, program},
		{"by a path from here", []string{"." + string(filepath.Separator) + "ssmguard.exe"}, unknown, program},
		{"in PATH", []string{"ssmguard.exe"}, unknown, program},
		{"by another name", []string{"session-manager-plugin"}, unknown, ""},
		{"by no name", nil, unknown, ""},
	} {
		got, err := path(func() (string, error) { return "/bin/ssmguard", test.err }, test.args)
		if got != test.want || (err == nil) != (test.want != "") {
			t.Errorf("%s: %q, %v; want %q", test.name, got, err, test.want)
		}
		if err != nil && !errors.Is(err, unknown) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
	if got, err := Path(); err != nil || !filepath.IsAbs(got) {
		t.Errorf("%q, %v", got, err)
	}
}
