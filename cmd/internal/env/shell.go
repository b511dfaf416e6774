package env

import (
	"runtime"
	"strings"

	"ssmguard/internal/safetext"
)

// Shell is the shell for which lines are printed that set variables: on Windows the one
// that has started us, elsewhere a POSIX shell, because a script is what reads them.
func (p *Process) Shell() safetext.Shell {
	if runtime.GOOS != "windows" {
		return safetext.Posix
	}
	return shellOf(parentProgram(), p.Getenv("SHELL"))
}

// shellOf is the shell that a program's name tells, or the variable SHELL, which Git Bash
// and its like set; else PowerShell.
func shellOf(program, variable string) safetext.Shell {
	for _, name := range []string{program, variable} {
		name = strings.ToLower(name[strings.LastIndexAny(name, `\/`)+1:])
		switch strings.TrimSuffix(name, ".exe") {
		case "cmd":
			return safetext.Cmd
		case "powershell", "pwsh", "powershell_ise":
			return safetext.PowerShellShell
		case "bash", "sh", "zsh", "dash", "ksh", "busybox":
			return safetext.Posix
		case "fish":
			return safetext.FishShell
		}
	}
	return safetext.PowerShellShell
}
