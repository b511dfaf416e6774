package alias

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWithBlock(t *testing.T) {
	block := blockStart + "\nsnippet\n" + blockEnd + "\n"
	tests := []struct {
		name, content, text, want string
	}{
		{"new file", "", "snippet\n", block},
		{"at the end", "a\nb\n", "snippet\n", "a\nb\n" + block},
		{"no newline at the end", "a", "snippet", "a\n" + block},
		{"again", "a\n" + block + "b\n", "snippet\n", "a\n" + block + "b\n"},
		{"an older one", "a\n" + strings.Replace(block, "snippet", "old\nlines", 1) + "b\n", "snippet", "a\n" + block + "b\n"},
		{"removed", "a\n" + block + "b\n", "", "a\nb\n"},
		{"nothing to remove", "a\n", "", "a\n"},
		{"all removed", block, "", ""},
	}
	for _, tt := range tests {
		got, err := withBlock(tt.content, tt.text)
		if err != nil || got != tt.want {
			t.Errorf("%s: %q (%v), want %q", tt.name, got, err, tt.want)
		}
	}
	if _, err := withBlock("a\n"+blockStart+"\nb\n", "snippet"); err == nil {
		t.Error("a block without end was changed")
	}
}

func TestSetBlockKeepsModeAndLink(t *testing.T) {
	dir := t.TempDir()
	real, link := filepath.Join(dir, "dotfiles"), filepath.Join(dir, ".bashrc")
	if err := os.WriteFile(real, []byte("a\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(real, link); err != nil {
		t.Skip("no links here")
	}
	if changed, err := setBlock(link, "snippet"); err != nil || !changed {
		t.Fatalf("%v, %v", changed, err)
	}
	info, err := os.Lstat(link)
	if err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v (%v)", info, err)
	}
	if info, err = os.Stat(real); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("mode %v (%v), want 0644", info.Mode(), err)
	}
	fresh := filepath.Join(dir, "new", "config")
	if _, err := setBlock(fresh, "snippet"); err != nil {
		t.Fatal(err)
	}
	if info, err = os.Stat(fresh); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v (%v), want 0600", info.Mode(), err)
	}
	if changed, err := setBlock(fresh, ""); err != nil || !changed {
		t.Fatalf("%v, %v", changed, err)
	}
	if _, err := os.Stat(fresh); err == nil {
		t.Error("left behind")
	}
}
