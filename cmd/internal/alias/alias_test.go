package alias

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
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
		{"two of them", "a\n" + block + "b\n" + block + "c\n", "snippet", "a\n" + block + "b\nc\n"},
		{"two of them removed", "a\n" + block + "b\n" + block, "", "a\nb\n"},
		{"lines of Windows", "a\r\n" + strings.ReplaceAll(block, "\n", "\r\n") + "b\r\n", "snippet", "a\r\n" + block + "b\r\n"},
		{"lines of Windows removed", "a\r\n" + strings.ReplaceAll(block, "\n", "\r\n") + "b\r\n", "", "a\r\nb\r\n"},
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

// A start file keeps its encoding and its line ends, again and after it is removed.
func TestSetBlockKeepsEncoding(t *testing.T) {
	utf16Of := func(text string) string {
		var out []byte
		for _, unit := range utf16.Encode([]rune("\uFEFF" + text)) {
			out = binary.LittleEndian.AppendUint16(out, unit)
		}
		return string(out)
	}
	block := strings.Join([]string{blockStart, "snippet", blockEnd, ""}, "\r\n")
	for name, test := range map[string]struct{ before, after string }{
		"UTF-16":           {utf16Of("# Größe\r\n"), utf16Of("# Größe\r\n" + block)},
		"UTF-8 and a mark": {"\uFEFF# Größe\r\n", "\uFEFF# Größe\r\n" + block},
		"lines of Windows": {"a\r\n", "a\r\n" + block},
		"half a block":     {"a\r\n" + strings.ReplaceAll(block, "\r\n", "\n"), "a\r\n" + strings.ReplaceAll(block, "\r\n", "\n")},
	} {
		file := filepath.Join(t.TempDir(), "profile.ps1")
		if err := os.WriteFile(file, []byte(test.before), 0o600); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if _, err := setBlock(file, "snippet\n"); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if got, _ := os.ReadFile(file); string(got) != test.after {
				t.Errorf("%s: %q, want %q", name, got, test.after)
			}
		}
		if _, err := setBlock(file, ""); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got, _ := os.ReadFile(file); name != "half a block" && string(got) != test.before {
			t.Errorf("%s: afterwards %q", name, got)
		}
	}
	file := filepath.Join(t.TempDir(), "half.ps1")
	if err := os.WriteFile(file, []byte("\xff\xfea"), 0o600); err != nil {
		t.Fatal(err)
	}
	if changed, err := setBlock(file, "snippet"); changed || exit.Code(err) != exit.Config {
		t.Errorf("%v, %v", changed, err)
	}
}

// Login shells of bash, which macOS starts, read another file.
func TestBashFiles(t *testing.T) {
	for name, test := range map[string]struct {
		system    string
		files     map[string]string
		uninstall bool
		want      []string
	}{
		"Linux":                  {system: "linux", want: []string{".bashrc"}},
		"a Mac":                  {system: "darwin", want: []string{".bashrc", ".bash_profile"}},
		"a Mac with a profile":   {system: "darwin", files: map[string]string{".profile": "PATH=~/bin:$PATH\n"}, want: []string{".bashrc", ".profile"}},
		"the first that is read": {system: "darwin", files: map[string]string{".bash_login": "a\n", ".profile": "b\n"}, want: []string{".bashrc", ".bash_login"}},
		"it reads .bashrc":       {system: "darwin", files: map[string]string{".bash_profile": "[ -r ~/.bashrc ] && . ~/.bashrc\n"}, want: []string{".bashrc"}},
		"again":                  {system: "darwin", files: map[string]string{".bash_profile": blockStart + "\nx\n" + blockEnd + "\n"}, want: []string{".bashrc", ".bash_profile"}},
		"undone":                 {system: "darwin", uninstall: true, files: map[string]string{".bash_profile": blockStart + "\nx\n" + blockEnd + "\n", ".profile": "b\n"}, want: []string{".bashrc", ".bash_profile"}},
		"nothing to undo":        {system: "darwin", uninstall: true, want: []string{".bashrc"}},
	} {
		home := t.TempDir()
		for file, text := range test.files {
			if err := os.WriteFile(filepath.Join(home, file), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		o := aliasOptions{process: &env.Process{Environ: []string{"HOME=" + home, "USERPROFILE=" + home}}, system: test.system, place: "bash", Install: !test.uninstall, Uninstall: test.uninstall}
		files, err := o.startFiles()
		for i := range files {
			files[i] = filepath.Base(files[i])
		}
		if err != nil || !slices.Equal(files, test.want) {
			t.Errorf("%s: %q, %v; want %q", name, files, err, test.want)
		}
	}
}
