package alias

import (
	"os"

	"ssmguard/cmd/internal/session"
)

// shimName is the file that a program named aws is.
const shimName = "aws.cmd"

// makeShim makes a script: links need a privilege here.
func makeShim(name, self string) error {
	return os.WriteFile(name, []byte(session.ShimText(self)), 0o755)
}

// shimCommand is what a person would type for makeShim.
func shimCommand(name, self string) string { return "echo @\"" + self + "\" aws %* > \"" + name + "\"" }
