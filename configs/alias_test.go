//go:build unix

package configs

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestAliasStartsTheProgram starts a program of a folder that is not in PATH, and whose name
// means something to every shell, by each snippet.
func TestAliasStartsTheProgram(t *testing.T) {
	dir := filepath.Join(t.TempDir(), `it's $HOME; 100% \ a "bin" \\'`)
	program, said := filepath.Join(dir, "ssmguard"), filepath.Join(dir, "said")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	script := "#!/bin/sh\nprintf '<%s>' \"$@\" > \"${0%/*}/said\"\n"
	if err := os.WriteFile(program, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	const call, aws = "aws ssm start-session --target 'a b'", "<aws><ssm><start-session><--target><a b>"
	for _, tt := range []struct {
		place, shell string
		args         func(snippet string) []string
		want         string
	}{
		{"bash", "bash", func(s string) []string { return []string{"-c", s + call} }, aws},
		{"zsh", "zsh", func(s string) []string { return []string{"-c", s + call} }, aws},
		{"fish", "fish", func(s string) []string { return []string{"-c", s + call} }, aws},
		{"powershell", "pwsh", func(s string) []string { return []string{"-NoProfile", "-Command", s + call} }, aws},
		{"ssh", "ssh", func(s string) []string {
			config := filepath.Join(dir, "config")
			if err := os.WriteFile(config, []byte(s), 0o600); err != nil {
				t.Fatal(err)
			}
			return []string{"-F", config, "-p", "2222", "i-0123456789abcdef0"}
		}, "<ssh-proxy><i-0123456789abcdef0><2222>"},
	} {
		t.Run(tt.place, func(t *testing.T) {
			shell, err := exec.LookPath(tt.shell)
			if err != nil {
				t.Skip(err)
			}
			snippet, err := Alias(tt.place, program)
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(shell, tt.args(snippet)...)
			cmd.Env = append(os.Environ(), "HOME="+dir, "SHELL=/bin/sh")
			out, _ := cmd.CombinedOutput() // ssh fails, for nobody greets it
			got, err := os.ReadFile(said)
			if err != nil || string(got) != tt.want {
				t.Errorf("%q (%v), want %q; the snippet:\n%s\n%s", got, err, tt.want, snippet, out)
			}
			_ = os.Remove(said)
		})
	}
}

func TestAliasQuotes(t *testing.T) {
	for place, want := range map[string]string{
		"ssh":        `    ProxyCommand '/a b/50%%/ssmguard' ssh-proxy '%h' %p`,
		"bash":       `command '/a b/50%/ssmguard' aws "$@" ;;`,
		"fish":       `command '/a b/50%/ssmguard' aws $argv`,
		"powershell": `$program = '/a b/50%/ssmguard'`,
	} {
		if text, err := Alias(place, "/a b/50%/ssmguard"); err != nil || !strings.Contains(text, want) || strings.Contains(text, "@program@") {
			t.Errorf("%s: no %q in (%v)\n%s", place, want, err, text)
		}
	}
	// Windows PowerShell reads the profile in a code page of its own.
	text, err := Alias("powershell", `C:\Users\Jürgen\ssmguard.exe`)
	if want := `$program = ('C:\Users\J' + [char]::ConvertFromUtf32(0xFC) + 'rgen\ssmguard.exe')`; err != nil || !strings.Contains(text, want) || strings.IndexFunc(text, func(r rune) bool { return r > '~' }) >= 0 {
		t.Errorf("no %s in (%v)\n%s", want, err, text)
	}
	if text, err := Alias("ssh", "/a\nProxyCommand b/ssmguard"); err == nil {
		t.Errorf("a line break in the path: %q", text)
	}
}
