package session

import (
	"errors"
	"io/fs"
	"os"
)

// ShimText is the text of the batch file that starts ssmguard.
func ShimText(self string) string { return "@\"" + self + "\" aws %*\r\n" }

// IsShim reports whether a file is our batch file.
func IsShim(name, self string) (bool, error) {
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return string(data) == ShimText(self), err
}
