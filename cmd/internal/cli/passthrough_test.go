package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestNextAWS(t *testing.T) {
	dir := t.TempDir()
	program := func(name string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	self := program("self/ssmguard", 0o755)
	if err := os.Symlink("ssmguard", filepath.Join(dir, "self", "aws")); err != nil {
		t.Fatal(err)
	}
	program("text/aws", 0o644)
	shim, stock := program("shim/aws", 0o755), program("stock/aws", 0o755)
	path := func(dirs ...string) string {
		for i := range dirs {
			dirs[i] = filepath.Join(dir, dirs[i])
		}
		return strings.Join(dirs, string(filepath.ListSeparator))
	}
	tests := []struct {
		name   string
		path   string
		passed []string
		want   string
	}{
		{"skips ourselves, what is missing and what cannot run", path("none", "self", "text", "stock", "shim"), nil, stock},
		{"skips what called us", path("shim", "self", "stock"), []string{shim}, stock},
		{"none left", path("self", "shim"), []string{shim}, ""},
		{"no path", "", nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := nextAWS(tt.path, self, tt.passed); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
