package nettext

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestOfFiles(t *testing.T) {
	for _, test := range []struct {
		err  error
		want string
	}{
		{&fs.PathError{Op: "open", Path: "a.json", Err: fs.ErrNotExist}, "a.json: file does not exist"},
		{&fs.PathError{Op: "open", Path: "a.json", Err: syscall.EACCES}, "a.json cannot be opened: permission denied"},
		{&fs.PathError{Op: "lstat", Path: "a.json", Err: syscall.EACCES}, "a.json: permission denied"},
		{&fs.PathError{Op: "write", Path: "log", Err: syscall.ENOSPC}, "log cannot be written: no space left on device"},
		{&fs.PathError{Op: "read", Path: "d", Err: syscall.EISDIR}, "d is a directory"},
		{&fs.PathError{Op: "mkdir", Path: "f/d", Err: syscall.ENOTDIR}, "f/d: a part of the path is not a directory"},
		{&fs.PathError{Op: "fork/exec", Path: "/bin/x", Err: syscall.ENOEXEC}, "/bin/x cannot be started: exec format error"},
		{&os.LinkError{Op: "rename", Old: ".tmp-1", New: "a.json", Err: syscall.EACCES}, "a.json cannot be written: permission denied"},
		{&os.LinkError{Op: "symlink", Old: "ssmguard", New: "aws", Err: syscall.EEXIST}, "aws cannot be made: file exists"},
		{&exec.Error{Name: "psql", Err: exec.ErrNotFound}, "there is no program psql in PATH"},
		{&exec.Error{Name: "./psql", Err: &fs.PathError{Op: "stat", Path: "./psql", Err: syscall.EACCES}}, "./psql cannot be started: permission denied"},
		{&exec.Error{Name: "./psql", Err: syscall.EACCES}, "./psql cannot be started: permission denied"},
		{&exec.Error{Name: "bin", Err: syscall.EISDIR}, "bin is a directory"},
		{fmt.Errorf("--ca: %w", &fs.PathError{Op: "stat", Path: "a.pem", Err: fs.ErrNotExist}), "--ca: a.pem: file does not exist"},
	} {
		if got := Of(test.err); got != test.want {
			t.Errorf("%v: %q, want %q", test.err, got, test.want)
		}
		if plain := Plain(test.err); plain.Error() != test.want || !errors.Is(plain, test.err) {
			t.Errorf("%v: plain %v", test.err, plain)
		}
	}
}

// The words are those of errors as they come from the system: no call's name is left.
func TestOfFilesOfTheSystem(t *testing.T) {
	dir := t.TempDir()
	file, none := filepath.Join(dir, "file"), filepath.Join(dir, "none")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	read := func(name string) error { _, err := os.ReadFile(name); return err }
	look := func(name string) error { _, err := exec.LookPath(name); return err }
	for i, err := range []error{
		read(none), read(dir), read(filepath.Join(file, "x")), os.Mkdir(dir, 0o700), os.Remove(none), os.Rename(none, file), os.Symlink("a", file),
		os.Chmod(none, 0o600), os.WriteFile(filepath.Join(none, "x"), nil, 0o600), look("no-program-of-this-name"), look(none), look(file),
		exec.Command(none).Run(), exec.Command(file).Run(),
	} {
		if err == nil {
			t.Errorf("%d: no error", i)
			continue
		}
		text := Of(err)
		if text == err.Error() || strings.Contains(text, "exec: ") || strings.Contains(text, "$PATH") {
			t.Errorf("%q", text)
		}
		if first, _, _ := strings.Cut(text, " "); failed[first] != "" || strings.HasSuffix(first, "stat") || first == "exec:" {
			t.Errorf("%q begins with a call's name", text)
		}
	}
}
