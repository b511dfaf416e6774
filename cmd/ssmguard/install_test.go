package main

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// install runs install.sh with a PREFIX, for a user whose files are open to all (umask
// 000), and returns what it prints.
func install(t *testing.T, prefix, path string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command("/bin/sh", append([]string{"-c", `umask 000 && exec /bin/sh "$@"`, "sh", filepath.Join("..", "..", "install.sh")}, args...)...)
	cmd.Env = append(os.Environ(), "PREFIX="+prefix)
	if path != "" {
		cmd.Env = append(cmd.Env, "PATH="+path)
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestInstall installs twice, as the plugin too, and leaves nothing behind.
func TestInstall(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program")
	}
	prefix := filepath.Join(t.TempDir(), "a place")
	bin := filepath.Join(prefix, "bin")
	for range 2 {
		if out, err := install(t, prefix, "", "--as-plugin"); err != nil {
			t.Fatalf("%v:\n%s", err, out)
		}
	}
	for _, made := range []string{prefix, bin, filepath.Join(bin, "ssmguard")} {
		if info, err := os.Stat(made); err != nil || info.Mode().Perm() != 0o755 {
			t.Errorf("%s has mode %v, %v", made, info.Mode(), err)
		}
	}
	out, err := exec.Command(filepath.Join(bin, "ssmguard"), "version").CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "ssmguard ") {
		t.Errorf("ssmguard version: %v: %s", err, out)
	}
	if link, err := os.Readlink(filepath.Join(bin, "session-manager-plugin")); err != nil || link != "ssmguard" {
		t.Errorf("the plugin is %q (%v), want a link to ssmguard", link, err)
	}
	for name, want := range map[string]string{
		"man/man1/ssmguard.1":                     ".SH EXAMPLES",
		"bash-completion/completions/ssmguard":    "complete -o default -F _ssmguard ssmguard",
		"zsh/site-functions/_ssmguard":            "#compdef ssmguard",
		"fish/vendor_completions.d/ssmguard.fish": "complete -c ssmguard",
	} {
		file := filepath.Join(prefix, "share", filepath.FromSlash(name))
		text, err := os.ReadFile(file)
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s: no %q (%v)", name, want, err)
			continue
		}
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o644 {
			t.Errorf("%s has mode %v, %v", name, info.Mode(), err)
		}
	}
	if out, err := install(t, prefix, "", "--uninstall"); err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	if left := files(t, prefix); left != nil {
		t.Errorf("left behind: %v", left)
	}
}

// files returns the files below a folder.
func files(t *testing.T, folder string) (found []string) {
	t.Helper()
	if err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			found = append(found, path)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return found
}

// TestInstallFromTarball installs from a copy that git does not know, called from
// elsewhere with a relative PREFIX.
func TestInstallFromTarball(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program")
	}
	source, elsewhere := filepath.Join(t.TempDir(), "ssmguard"), t.TempDir()
	if err := os.CopyFS(source, os.DirFS(filepath.Join("..", ".."))); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(source, ".git")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(source, ".git"), []byte("gitdir: /nowhere\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(source, "install.sh"))
	cmd.Dir, cmd.Env = elsewhere, append(os.Environ(), "PREFIX=here")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	out, err := exec.Command(filepath.Join(elsewhere, "here", "bin", "ssmguard"), "version").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "(no commit)") {
		t.Errorf("ssmguard version: %v: %s", err, out)
	}
}

func TestInstallRefuses(t *testing.T) {
	tests := []struct {
		name  string
		stage func(t *testing.T, prefix string) (path string)
		args  []string
		want  string
	}{
		{"no Go", func(t *testing.T, prefix string) string { return prefix }, nil, "Go is not installed"},
		{"another plugin is there", func(t *testing.T, prefix string) string {
			plugin := filepath.Join(prefix, "bin", "session-manager-plugin")
			if err := os.MkdirAll(filepath.Dir(plugin), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(plugin, nil, 0o700); err != nil {
				t.Fatal(err)
			}
			return ""
		}, []string{"--as-plugin"}, "is another program"},
		{"unknown option", func(*testing.T, string) string { return "" }, []string{"--frob"}, "usage: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			prefix := t.TempDir()
			out, err := install(t, prefix, tt.stage(t, prefix), tt.args...)
			if err == nil || !strings.Contains(out, tt.want) {
				t.Errorf("%v: %q, want %q", err, out, tt.want)
			}
			if _, err := os.Stat(filepath.Join(prefix, "bin", "ssmguard")); err == nil {
				t.Error("installed all the same")
			}
		})
	}
}
