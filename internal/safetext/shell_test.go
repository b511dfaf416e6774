package safetext

import (
	"os/exec"
	"strings"
	"testing"
)

func TestShells(t *testing.T) {
	for _, test := range []struct {
		shell       Shell
		value, want string // "" for none
		unset       string
	}{
		{"", "a b", "export N='a b'\n", "unset N M\n"},
		{Posix, "it's", `export N='it'\''s'` + "\n", "unset N M\n"},
		{FishShell, `it's \n`, `set -gx N 'it\'s \\n'` + "\n", "set -e N\nset -e M\n"},
		{PowerShellShell, "it's $x `n", "$env:N = 'it''s $x `n'\n", "Remove-Item -ErrorAction Ignore Env:N\nRemove-Item -ErrorAction Ignore Env:M\n"},
		{Cmd, "a&b%2F|c^ <d>", "set \"N=a&b%2F|c^ <d>\"\n", "set \"N=\"\nset \"M=\"\n"},
		{Cmd, `a"&calc`, "", "set \"N=\"\nset \"M=\"\n"},
		{Cmd, "a\ncalc", "", "set \"N=\"\nset \"M=\"\n"},
	} {
		got, err := test.shell.Set("N", test.value)
		if got != test.want || (err == nil) != (test.want != "") {
			t.Errorf("%s: %q, %v; want %q", test.shell, got, err, test.want)
		}
		if got := test.shell.Unset("N", "M"); got != test.unset {
			t.Errorf("%s: %q, want %q", test.shell, got, test.unset)
		}
	}
}

// Real shells have the value afterwards.
func TestShellsTakeValues(t *testing.T) {
	const value = `it's "a" b & c | $HOME %PATH% ; \ (d)`
	for program, shell := range map[string]Shell{"sh": Posix, "bash": Posix, "zsh": Posix, "fish": FishShell, "pwsh": PowerShellShell} {
		path, err := exec.LookPath(program)
		if err != nil {
			continue
		}
		line, err := shell.Set("N", value)
		if err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(path, "-c", line+"printenv N").CombinedOutput()
		if strings.TrimRight(string(out), "\r\n") != value {
			t.Errorf("%s: %q, %v", program, out, err)
		}
	}
}
