package awscli

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"
)

// paramFile loads a value that names a file: file:// as text with newlines
// unified, fileb:// as bytes. Not ok means that the value names none.
func (e Env) paramFile(value string) (v any, ok bool, err error) {
	path, isText := strings.CutPrefix(value, "file://")
	if !isText {
		if path, ok = strings.CutPrefix(value, "fileb://"); !ok {
			return nil, false, nil
		}
	}
	path = e.expandVars(e.expandUser(path))
	if e.ReadFile == nil {
		return nil, false, errors.New("Unable to load paramfile " + value + ": [Errno 2] No such file or directory: " + repr(path))
	}
	content, err := e.ReadFile(path)
	if err != nil {
		return nil, false, errors.New("Unable to load paramfile " + value + ": " + pyOSError(err, path))
	}
	if !isText {
		return blob(content), true, nil
	}
	if !utf8.Valid(content) {
		return nil, false, errors.New("Unable to load paramfile (" + path + "), text contents could not be decoded.  " +
			"If this is a binary file, please use the fileb:// prefix instead of the file:// prefix.")
	}
	return strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(content)), true, nil
}

// pyOSError is the text of Python's OSError for a failed open.
func pyOSError(err error, path string) string {
	var errno syscall.Errno
	switch {
	case errors.As(err, &errno):
	case errors.Is(err, fs.ErrNotExist):
		errno = syscall.ENOENT
	case errors.Is(err, fs.ErrPermission):
		errno = syscall.EACCES
	default:
		return err.Error()
	}
	msg := []rune(errno.Error())
	msg[0] = unicode.ToUpper(msg[0])
	return "[Errno " + itoa(int(errno)) + "] " + string(msg) + ": " + repr(path)
}

func (e Env) lookup(key string) (string, bool) {
	if e.Lookup == nil {
		return "", false
	}
	return e.Lookup(key)
}

// expandUser replaces a leading ~ by the home directory.
func (e Env) expandUser(path string) string {
	separators := "/"
	if filepath.Separator != '/' {
		separators += string(filepath.Separator)
	}
	if path != "~" && (len(path) < 2 || path[0] != '~' || !strings.ContainsRune(separators, rune(path[1]))) {
		return path
	}
	home, ok := e.lookup("HOME")
	if !ok {
		return path
	}
	out := strings.TrimRight(home, separators) + path[1:]
	if out == "" {
		return "/"
	}
	return out
}

// expandVars replaces $NAME and ${NAME}; a variable that is not set stays as written.
func (e Env) expandVars(path string) string {
	var b strings.Builder
	for {
		before, after, ok := strings.Cut(path, "$")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		name, rest := "", after
		if inner, ok := strings.CutPrefix(after, "{"); ok {
			if name, rest, ok = strings.Cut(inner, "}"); !ok {
				name = ""
			}
		} else {
			end := strings.IndexFunc(after, func(r rune) bool { return r > 0x7F || r != '_' && !isDigit(r) && !unicode.IsLetter(r) })
			if end < 0 {
				end = len(after)
			}
			name, rest = after[:end], after[end:]
		}
		if v, ok := e.lookup(name); ok && name != "" {
			b.WriteString(v)
			path = rest
			continue
		}
		b.WriteByte('$')
		path = after
	}
}

// ExpandPath expands ~ and variables in a file name, as the CLI does for the names
// of its own files.
func (e Env) ExpandPath(path string) string { return e.expandVars(e.expandUser(path)) }
