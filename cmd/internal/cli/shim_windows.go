package cli

import (
	"errors"
	"io/fs"
	"os"
)

// shimName is the file that a program named aws is.
const shimName = "aws.cmd"

func shimText(self string) string { return "@\"" + self + "\" aws %*\r\n" }

// makeShim makes a script: links need a privilege here.
func makeShim(name, self string) error { return os.WriteFile(name, []byte(shimText(self)), 0o755) }

// isShim tells whether a file is our script.
func isShim(name, self string) (bool, error) {
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return string(data) == shimText(self), err
}

// shimCommand is what a person would type for makeShim.
func shimCommand(name, self string) string { return "echo @\"" + self + "\" aws %* > \"" + name + "\"" }
