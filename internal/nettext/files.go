package nettext

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

// failed says what could not be done to a file, by the name that Go's packages give to the
// call. Looking at a file, or for it, comes before all else, so that its name is enough there.
var failed = map[string]string{
	"open":       "cannot be opened",
	"read":       "cannot be read",
	"write":      "cannot be written",
	"mkdir":      "cannot be made",
	"mkdirat":    "cannot be made",
	"mkdirtemp":  "cannot be made",
	"createtemp": "cannot be made",
	"remove":     "cannot be removed",
	"unlinkat":   "cannot be removed",
	"chmod":      "cannot get its permissions",
	"truncate":   "cannot be shortened",
	"chdir":      "cannot be entered",
	"readdirent": "cannot be listed",
	"symlink":    "cannot be made",
	"link":       "cannot be made",
	"fork/exec":  "cannot be started",
	"seek":       "cannot be read",
	"sync":       "cannot be written",
	"close":      "cannot be closed",
}

// aboutFile says what failed with a file. What is not there is that, whatever it was for; why
// anything else failed is the system's sentence.
func aboutFile(op, name string, err error) string {
	switch {
	case errors.Is(err, syscall.EISDIR):
		return name + " is a directory"
	case errors.Is(err, syscall.ENOTDIR):
		return name + ": a part of the path is not a directory"
	}
	what, known := failed[op]
	if !known || (op == "open" || op == "fork/exec") && errors.Is(err, fs.ErrNotExist) {
		return fmt.Sprintf("%s: %s", name, Of(err))
	}
	return fmt.Sprintf("%s %s: %s", name, what, Of(err))
}

// aboutFiles is aboutFile for a call with two names: the second is what was to be made. What is
// renamed is mostly a temporary file that nobody knows.
func aboutFiles(e *os.LinkError) string {
	if e.Op == "rename" {
		return fmt.Sprintf("%s cannot be written: %s", e.New, Of(e.Err))
	}
	return aboutFile(e.Op, e.New, e.Err)
}

// aboutProgram says why a program cannot be started.
func aboutProgram(e *exec.Error) string {
	var file *fs.PathError
	switch {
	case errors.Is(e.Err, syscall.EISDIR):
		return e.Name + " is a directory"
	case errors.Is(e.Err, exec.ErrNotFound) && !strings.ContainsAny(e.Name, `/\`):
		return fmt.Sprintf("there is no program %s in PATH", e.Name)
	case errors.As(e.Err, &file):
		return fmt.Sprintf("%s cannot be started: %s", e.Name, Of(file.Err))
	}
	return fmt.Sprintf("%s cannot be started: %s", e.Name, Of(e.Err))
}
