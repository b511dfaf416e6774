package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What an error of the system means is asked of internal/nettext, because Windows numbers
// it otherwise.
func TestErrorsOfTheSystem(t *testing.T) {
	asked := regexp.MustCompile(`errors\.Is\([^\n]*syscall\.(EADDR|ECONN|EPIPE|EACCES|EPERM)`)
	const root = "../.."
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch name := d.Name(); {
		case err != nil:
			return err
		case d.IsDir() && (strings.HasPrefix(name, ".") && path != root || name == "findings" || name == "nettext"):
			return fs.SkipDir
		case !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || strings.HasSuffix(name, "_unix.go") || strings.HasSuffix(name, "_linux.go"):
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if found := asked.Find(text); found != nil {
			t.Errorf("%s: %s; ask internal/nettext", path, found)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
