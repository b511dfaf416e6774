package private

import (
	"fmt"
	"os"
	"runtime"
)

// MkdirTemp makes a directory of ours among the temporary files, as os.MkdirTemp names it,
// with mode 0700. Its error names the variable that has to be set, because the system's
// names a directory that nobody asked for.
func MkdirTemp(pattern string) (string, error) {
	dir, err := os.MkdirTemp("", pattern)
	if err == nil {
		return dir, nil
	}
	variable := "TMPDIR"
	if runtime.GOOS == "windows" {
		variable = "TMP"
	}
	if info, statErr := os.Stat(os.TempDir()); statErr != nil || !info.IsDir() {
		return "", fmt.Errorf("there is no folder %s for temporary files; set %s to one that is there", os.TempDir(), variable)
	}
	return "", fmt.Errorf("no temporary files can be made in %s; set %s to a folder where you may write", os.TempDir(), variable)
}
