//go:build unix

package private

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const nobody = 65534

func TestDistrust(t *testing.T) {
	private := func(gid, uid int) bool { return gid == uid }
	for _, test := range []struct {
		owner Owner
		me    int
		sudo  string
		want  string
	}{
		{Owner{1000, 1000, 0o644}, 1000, "", ""},
		{Owner{1000, 100, 0o600}, 1000, "", ""},
		{Owner{1000, 1000, 0o664}, 1000, "", ""}, // the user's private group
		{Owner{1000, 100, 0o664}, 1000, "", "can be written by others (mode 0664)"},
		{Owner{1000, 1000, 0o646}, 1000, "", "can be written by others (mode 0646)"},
		{Owner{1000, 1000, 0o666}, 1000, "", "can be written by others (mode 0666)"},
		{Owner{0, 0, 0o644}, 1000, "", ""},
		{Owner{0, 50, 0o664}, 1000, "", "can be written by others (mode 0664)"},
		{Owner{1001, 1001, 0o644}, 1000, "", "belongs to uid 1001"},
		{Owner{1001, 1001, 0o644}, 1000, "1001", "belongs to uid 1001"}, // only root is led by sudo
		{Owner{1000, 1000, 0o644}, 0, "", "belongs to uid 1000"},
		{Owner{1000, 1000, 0o644}, 0, "1000", ""},
		{Owner{1001, 1001, 0o644}, 0, "1000", "belongs to uid 1001"},
	} {
		if got := cmp.Or(test.owner.foreign(test.me, test.sudo), test.owner.writable(private)); got != test.want {
			t.Errorf("%+v for %d, sudo %q: %q, want %q", test.owner, test.me, test.sudo, got, test.want)
		}
	}
}

func TestDirectories(t *testing.T) {
	// Each changes base/a/b, all of them 0700.
	for _, test := range []struct {
		name   string
		change func(base string) error
		root   bool   // needs root
		want   string // of the error, behind the base; "" for none
	}{
		{"as made", func(string) error { return nil }, false, ""},
		{"others may read", func(base string) error { return os.Chmod(base+"/a/b", 0o755) }, false, ""},
		{"the last is open to all", func(base string) error { return os.Chmod(base+"/a/b", 0o777) }, false, "/a/b can be written by others (mode 0777)"},
		{"the last is as /tmp", func(base string) error { return os.Chmod(base+"/a/b", 0o777|fs.ModeSticky) }, false, "/a/b can be written by others (mode 0777)"},
		{"one between is open to all", func(base string) error { return os.Chmod(base+"/a", 0o702) }, false, "/a can be written by others (mode 0702)"},
		{"the base is open to all", func(base string) error { return os.Chmod(base, 0o777) }, false, " can be written by others (mode 0777)"},
		{"the base is as /tmp", func(base string) error { return os.Chmod(base, 0o777|fs.ModeSticky) }, false, ""},
		{"the base is a link", func(base string) error {
			return errors.Join(os.Rename(base, base+"2"), os.Symlink(base+"2", base))
		}, false, ""},
		{"one is missing", func(base string) error { return os.Remove(base + "/a/b") }, false, ""},
		{"all are missing", os.RemoveAll, false, ""},
		{"a file", func(base string) error {
			return errors.Join(os.Remove(base+"/a/b"), os.WriteFile(base+"/a/b", nil, 0o600))
		}, false, "/a/b: is no directory"},
		{"a link of ours", func(base string) error {
			return errors.Join(os.Rename(base+"/a/b", base+"/c"), os.Symlink(base+"/c", base+"/a/b"))
		}, false, ""},
		{"a link of ours to what others write", func(base string) error {
			return errors.Join(os.Rename(base+"/a/b", base+"/c"), os.Chmod(base+"/c", 0o777), os.Symlink(base+"/c", base+"/a/b"))
		}, false, "/a/b can be written by others (mode 0777)"},
		{"a link of another user", func(base string) error {
			return errors.Join(os.Rename(base+"/a/b", base+"/c"), os.Symlink(base+"/c", base+"/a/b"), os.Lchown(base+"/a/b", nobody, nobody))
		}, true, "/a/b belongs to uid 65534"},
		{"of another user", func(base string) error { return os.Chown(base+"/a/b", nobody, nobody) }, true, "/a/b belongs to uid 65534"},
		{"in one of another user", func(base string) error { return os.Chown(base+"/a", nobody, nobody) }, true, "/a belongs to uid 65534"},
		{"for a group", func(base string) error {
			return errors.Join(os.Chown(base+"/a", 0, 12), os.Chmod(base+"/a", 0o770))
		}, true, "/a can be written by others (mode 0770)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.root && os.Geteuid() != 0 {
				t.Skip("only root gives files away")
			}
			base := filepath.Join(t.TempDir(), "base")
			if _, err := MakeDir("", base, "a", "b"); err != nil {
				t.Fatal(err)
			}
			if err := test.change(base); err != nil {
				t.Fatal(err)
			}
			err := CheckDir("", base, "a", "b")
			if (err == nil) != (test.want == "") || err != nil && !strings.HasSuffix(err.Error(), base+test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if _, made := MakeDir("", base, "a", "b"); (made == nil) != (err == nil) {
				t.Errorf("made: %v", made)
			}
		})
	}
}

func TestOwners(t *testing.T) {
	// Each changes base/a/token.
	for _, test := range []struct {
		name   string
		change func(base string) error
		want   string // of the error, behind the base; "" for none
	}{
		{"as made", func(string) error { return nil }, ""},
		{"others can write", func(base string) error { return os.Chmod(base+"/a", 0o777) }, ""},
		{"missing", func(base string) error { return os.Remove(base + "/a/token") }, ""},
		{"all missing", os.RemoveAll, ""},
		{"a file of another user", func(base string) error { return os.Chown(base+"/a/token", nobody, nobody) }, "/a/token belongs to uid 65534"},
		{"a directory of another user", func(base string) error { return os.Chown(base+"/a", nobody, nobody) }, "/a belongs to uid 65534"},
		{"a link of another user", func(base string) error {
			return errors.Join(os.Rename(base+"/a/token", base+"/b"), os.Symlink(base+"/b", base+"/a/token"), os.Lchown(base+"/a/token", nobody, nobody))
		}, "/a/token belongs to uid 65534"},
		{"a link to a file of another user", func(base string) error {
			return errors.Join(os.Rename(base+"/a/token", base+"/b"), os.Symlink(base+"/b", base+"/a/token"), os.Chown(base+"/b", nobody, nobody))
		}, "/a/token belongs to uid 65534"},
		{"a host's", func(base string) error {
			return errors.Join(os.Chown(base, nobody, nobody), os.Chown(base+"/a", nobody, nobody), os.Chown(base+"/a/token", nobody, nobody))
		}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if os.Geteuid() != 0 {
				t.Skip("only root gives files away")
			}
			base := filepath.Join(t.TempDir(), "base")
			if dir, err := MakeDir("", base, "a"); err != nil {
				t.Fatal(err)
			} else if err := WriteFile(filepath.Join(dir, "token"), nil); err != nil {
				t.Fatal(err)
			}
			if err := test.change(base); err != nil {
				t.Fatal(err)
			}
			err := CheckOwners(base, "a", "token")
			if (err == nil) != (test.want == "") || err != nil && err.Error() != base+test.want {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

// withUmask runs a test with a umask, which is the whole process's.
func withUmask(t *testing.T, mask int, run func()) {
	t.Helper()
	before := syscall.Umask(mask)
	defer syscall.Umask(before)
	run()
}

func TestModesWhateverTheUmask(t *testing.T) {
	for _, mask := range []int{0, 0o022, 0o277} {
		dir := filepath.Join(t.TempDir(), "base")
		withUmask(t, mask&^0o200, func() { // TempDir's own
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
		})
		withUmask(t, mask, func() {
			made, err := MakeDir("", dir, "a", "b")
			if err != nil {
				t.Fatal(err)
			}
			log, err := AppendFile(made + "/log")
			if err != nil {
				t.Fatal(err)
			}
			log.Close()
			if err := errors.Join(WriteFile(made+"/file", []byte("text")), ReplaceFile(made+"/program", nil, 0o755)); err != nil {
				t.Fatal(err)
			}
		})
		for name, want := range map[string]fs.FileMode{"a": 0o700, "a/b": 0o700, "a/b/log": 0o600, "a/b/file": 0o600, "a/b/program": 0o755} {
			info, err := os.Stat(filepath.Join(dir, name))
			if err != nil || info.Mode().Perm() != want {
				t.Errorf("umask %03o: %s: %v, %v, want %v", mask, name, info.Mode(), err, want)
			}
		}
	}
}

// A directory that is missing is told by the file that was to be written.
func TestNoDirectory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "missing", "file")
	if err := WriteFile(path, nil); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), path) {
		t.Errorf("%v does not name %s", err, path)
	}
}

// A link is neither read nor written through, whatever it leads to.
func TestLinks(t *testing.T) {
	dir := t.TempDir()
	other, link := filepath.Join(dir, "other"), filepath.Join(dir, "link")
	if err := errors.Join(os.WriteFile(other, []byte("theirs"), 0o600), os.Symlink(other, link)); err != nil {
		t.Fatal(err)
	}
	if text, err := ReadFile(link, 100); err == nil {
		t.Errorf("read %q", text)
	}
	if f, err := AppendFile(link); err == nil {
		f.Close()
		t.Error("opened")
	}
	if err := WriteFile(link, []byte("ours")); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(other); string(text) != "theirs" || err != nil {
		t.Errorf("written through a link: %q, %v", text, err)
	}
	if text, err := ReadFile(link, 100); string(text) != "ours" || err != nil {
		t.Errorf("read %q, %v", text, err)
	}
}

func TestUnfitFiles(t *testing.T) {
	dir := t.TempDir()
	for name, make := range map[string]func(path string) error{
		"others can read":  func(path string) error { return os.WriteFile(path, nil, 0o644) },
		"a group can read": func(path string) error { return errors.Join(os.WriteFile(path, nil, 0o600), os.Chmod(path, 0o640)) },
		"others can write": func(path string) error { return errors.Join(os.WriteFile(path, nil, 0o600), os.Chmod(path, 0o602)) },
		"large":            func(path string) error { return os.WriteFile(path, []byte("0123456789"), 0o600) },
		"directory":        func(path string) error { return os.Mkdir(path, 0o700) },
		"pipe":             func(path string) error { return syscall.Mkfifo(path, 0o600) },
	} {
		path := filepath.Join(dir, name)
		if err := make(path); err != nil {
			t.Fatal(err)
		}
		if text, err := ReadFile(path, 9); !errors.Is(err, ErrUnfit) {
			t.Errorf("%s: read %q, %v", name, text, err)
		}
	}
	if _, err := ReadFile(filepath.Join(dir, "none"), 9); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
