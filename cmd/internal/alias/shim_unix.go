//go:build unix

package alias

import (
	"os"

	"al.essio.dev/pkg/shellescape"
)

// shimName is the file that a program named aws is.
const shimName = "aws"

// makeShim makes a link: called by the name aws, we are the AWS CLI's stand-in.
func makeShim(name, self string) error { return os.Symlink(self, name) }

// shimCommand is what a person would type for makeShim.
func shimCommand(name, self string) string {
	return "ln -s " + shellescape.Quote(self) + " " + shellescape.Quote(name)
}
