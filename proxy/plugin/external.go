package plugin

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// probeTime is how long a plugin may take to say its version.
const probeTime = 20 * time.Second

// External returns the plugin at path, or the one that a search of PATH finds
// for a name without a directory, as execvp does. It is asked for its version,
// whose stderr is passed on, so that a missing (ErrNotFound), broken
// (NotExecutableError), failing (ExitError) or too old plugin (TooOldError) is
// known before a session is started. env is the environment, nil for our own.
func External(ctx context.Context, path string, env []string, stderr io.Writer) (*Runner, error) {
	var broken error
	for _, candidate := range candidates(path, env) {
		version, err := probe(ctx, candidate, env, stderr)
		switch {
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, exec.ErrNotFound): // the latter on Windows
			continue
		case err != nil && notRunnable(err):
			if broken == nil {
				broken = &NotExecutableError{Path: candidate, Err: err}
			}
			continue
		case err != nil:
			return nil, err
		case !takesVariable(version):
			return nil, &TooOldError{Path: candidate, Version: version}
		}
		return &Runner{path: candidate, version: strings.TrimSpace(version), external: true, env: env}, nil
	}
	if broken != nil {
		return nil, broken
	}
	return nil, ErrNotFound
}

// candidates are the files to try, in order.
func candidates(path string, env []string) []string {
	if strings.ContainsRune(path, filepath.Separator) || strings.ContainsRune(path, '/') {
		return []string{path}
	}
	search := "/bin:/usr/bin"
	if env == nil {
		env = os.Environ()
	}
	for _, kv := range env {
		if k, v, _ := strings.Cut(kv, "="); k == "PATH" || runtime.GOOS == "windows" && strings.EqualFold(k, "PATH") {
			search = v
		}
	}
	var files []string
	for _, dir := range strings.Split(search, string(filepath.ListSeparator)) {
		if dir == "" {
			dir = "."
		}
		// A relative path must look like one, or os/exec searches PATH itself.
		file := filepath.Join(dir, path)
		if !filepath.IsAbs(file) {
			file = "." + string(filepath.Separator) + file
		}
		if runtime.GOOS == "windows" && filepath.Ext(path) == "" {
			file += ".exe"
		}
		files = append(files, file)
	}
	return files
}

// probe asks a plugin for its version.
func probe(ctx context.Context, file string, env []string, stderr io.Writer) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, file)
	cmd.Args = []string{Name, "--version"}
	cmd.Env = env
	cmd.Stderr = stderr
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return "", &ExitError{Args: cmd.Args, Code: exit.ExitCode(), Signal: killedBy(exit.ProcessState)}
	}
	return string(out), err
}

// takesVariable reports whether a plugin of that version takes the response in an
// environment variable. What does not look like a version does not.
func takesVariable(version string) bool { return Newer(version, lastInlineVersion) }

// InPath returns the plugin in the PATH of env, nil for our own, which the AWS CLI would
// run. found reports whether there is one; err says why it cannot be used.
func InPath(ctx context.Context, env []string) (r *Runner, found bool, err error) {
	r, err = External(ctx, Name, env, io.Discard)
	return r, !errors.Is(err, ErrNotFound), err
}
