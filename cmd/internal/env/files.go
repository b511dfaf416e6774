package env

import (
	"os"
	"path/filepath"

	"ssmguard/internal/private"
)

// ReplaceFile replaces a file's content in one step and keeps its mode: after a failure
// the old content is still there. A new file is for its owner alone.
func ReplaceFile(file, content string) error {
	mode := os.FileMode(0o600)
	if info, err := os.Stat(file); err == nil {
		mode = info.Mode().Perm()
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	return private.ReplaceFile(file, []byte(content), mode)
}
