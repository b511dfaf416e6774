//go:build unix

package alias

import (
	"os"

	"ssmguard/internal/safetext"
)

// shimName is the file name of a program named aws.
const shimName = "aws"

// programName is the file name of ssmguard.
const programName = "ssmguard"

// makeShim makes a link: started under the name aws, ssmguard takes the AWS CLI's
// command lines.
func makeShim(name, self string) error { return os.Symlink(self, name) }

// shimCommand returns the command that does the same at a prompt.
func shimCommand(name, self string) string {
	return "ln -s " + safetext.Word(self) + " " + safetext.Word(name)
}
