package env

import (
	"testing"

	"ssmguard/internal/safetext"
)

func TestShellOf(t *testing.T) {
	for _, test := range []struct {
		program, variable string
		want              safetext.Shell
	}{
		{"powershell.exe", "", safetext.PowerShellShell},
		{"pwsh.exe", "/usr/bin/bash", safetext.PowerShellShell},
		{"CMD.EXE", "", safetext.Cmd},
		{"cmd.exe", "/usr/bin/bash", safetext.Cmd},
		{"bash.exe", "", safetext.Posix},
		{"explorer.exe", `C:\Program Files\Git\usr\bin\bash.exe`, safetext.Posix},
		{"fish", "", safetext.FishShell},
		{"Code.exe", "", safetext.PowerShellShell},
		{"", "", safetext.PowerShellShell},
	} {
		if got := shellOf(test.program, test.variable); got != test.want {
			t.Errorf("%q, SHELL=%q: %s, want %s", test.program, test.variable, got, test.want)
		}
	}
}
