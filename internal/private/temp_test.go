package private

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestMkdirTemp(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the variable is another one")
	}
	there := t.TempDir()
	t.Setenv("TMPDIR", there)
	dir, err := MkdirTemp("ssmguard-")
	if err != nil || filepath.Dir(dir) != there {
		t.Fatalf("%s, %v", dir, err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	gone := filepath.Join(there, "gone")
	t.Setenv("TMPDIR", gone)
	want := "there is no folder " + gone + " for temporary files; set TMPDIR to one that is there"
	if _, err := MkdirTemp("ssmguard-"); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	file := filepath.Join(there, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", file)
	if _, err := MkdirTemp("ssmguard-"); err == nil || err.Error() != "there is no folder "+file+" for temporary files; set TMPDIR to one that is there" {
		t.Errorf("%v", err)
	}
}
