package alias

import (
	"os"

	"ssmguard/cmd/internal/session"
)

// shimName is the file name of a program named aws.
const shimName = "aws.cmd"

// programName is the file name of ssmguard.
const programName = "ssmguard.exe"

// makeShim makes a script, because links need a privilege on Windows.
func makeShim(name, self string) error {
	return os.WriteFile(name, []byte(session.ShimText(self)), 0o755)
}

// shimCommand returns the command that does the same at a prompt.
func shimCommand(name, self string) string { return "echo @\"" + self + "\" aws %* > \"" + name + "\"" }
