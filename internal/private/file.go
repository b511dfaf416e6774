package private

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// NoFollow is a flag for os.OpenFile that makes opening a link fail.
const NoFollow = noFollow

// ErrUnfit means that a file is not one that WriteFile has written: it is a link, a pipe
// or a directory, others can read it, or it is too large.
var ErrUnfit = errors.New("not a private file")

// ReadFile returns the content of a file that is its owner's alone. It follows no link.
// limit is the size in bytes from which a file is refused. An unfit file is an error that
// wraps ErrUnfit.
func ReadFile(path string, limit int64) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|NoFollow, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || forOthers(info.Mode()) || info.Size() > limit {
		return nil, fmt.Errorf("%s: %w (mode %v, %d bytes)", path, ErrUnfit, info.Mode(), info.Size())
	}
	return io.ReadAll(io.LimitReader(f, limit))
}

// WriteFile writes a file for its owner alone, in one step: after a failure the old
// content is still there. A link at path is replaced.
func WriteFile(path string, data []byte) error { return ReplaceFile(path, data, 0o600) }

// ReplaceFile is WriteFile with another mode.
func ReplaceFile(path string, data []byte, mode fs.FileMode) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".ssmguard-*") // O_EXCL, 0600
	if err != nil {
		var fault *fs.PathError
		if errors.As(err, &fault) {
			fault.Path = path // the caller's file, not one that it has never heard of
		}
		return err
	}
	_, err = tmp.Write(data)
	err = errors.Join(err, tmp.Chmod(mode), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		err = errors.Join(err, os.Remove(tmp.Name()))
	}
	return err
}

// AppendFile opens a file for its owner alone, to write at its end. It follows no link.
func AppendFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY|NoFollow, 0o600)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s: %w (mode %v)", path, ErrUnfit, info.Mode())
	}
	if err == nil {
		err = f.Chmod(0o600)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
