package alias

import (
	"fmt"
	"os"
	"strings"

	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/session"
)

// shimName is the file name of a program named aws.
const shimName = "aws.cmd"

// programName is the file name of ssmguard.
const programName = "ssmguard.exe"

// makeShim makes a script, because links need a privilege on Windows.
func makeShim(name, self string) error {
	text := session.ShimText(name, self)
	if text == "" {
		return exit.Coded(fmt.Sprintf("a batch file cannot name %s in the code page of every console; move ssmguard to a folder whose path is ASCII", self), exit.Config)
	}
	return os.WriteFile(name, []byte(text), 0o755)
}

// shimCommand returns the command that does the same at a prompt.
func shimCommand(name, self string) string {
	text := strings.TrimSuffix(session.ShimText(name, self), "\r\n")
	return "echo " + text + " > \"" + name + "\""
}
