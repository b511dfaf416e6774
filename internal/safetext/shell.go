package safetext

import (
	"fmt"
	"strings"
)

// A Shell is a language in which variables are set. The zero Shell is Posix.
type Shell string

// The shells, and how each takes what a command prints.
const (
	Posix           Shell = "posix"      // eval "$(COMMAND)"
	FishShell       Shell = "fish"       // COMMAND | source
	PowerShellShell Shell = "powershell" // COMMAND | Out-String | Invoke-Expression, of 5 and 7
	Cmd             Shell = "cmd"        // for /f "delims=" %i in ('COMMAND') do @%i
)

// Shells are the names of the shells.
var Shells = []string{string(Posix), string(FishShell), string(PowerShellShell), string(Cmd)}

// Set returns the line that sets a variable. cmd.exe has no way to write a control
// character, and a " there may end the quotes around a value, which is refused.
func (s Shell) Set(name, value string) (string, error) {
	switch s {
	case FishShell:
		return "set -gx " + name + " " + Fish(value) + "\n", nil
	case PowerShellShell:
		return "$env:" + name + " = " + PowerShell(value) + "\n", nil
	case Cmd:
		if strings.ContainsFunc(value, Hidden) || strings.Contains(value, `"`) {
			return "", fmt.Errorf("cmd.exe cannot take the value of %s, which has a double quote or a control character; use another shell", name)
		}
		return `set "` + name + "=" + value + "\"\n", nil
	}
	return "export " + name + "=" + Word(value) + "\n", nil
}

// Unset returns the lines that remove variables.
func (s Shell) Unset(names ...string) string {
	var b strings.Builder
	for _, name := range names {
		switch s {
		case FishShell:
			b.WriteString("set -e " + name + "\n")
		case PowerShellShell:
			b.WriteString("Remove-Item -ErrorAction Ignore Env:" + name + "\n")
		case Cmd:
			b.WriteString(`set "` + name + "=\"\n")
		default:
			return "unset " + strings.Join(names, " ") + "\n"
		}
	}
	return b.String()
}
