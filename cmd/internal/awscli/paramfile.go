package awscli

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"strings"
	"unicode/utf8"

	"ssmguard/internal/nettext"
	"ssmguard/internal/usertext"
)

// paramFile loads a value that names a file: file:// as text with newlines
// unified, in the encodings of usertext (the CLI reads that of the locale, so that it
// takes nothing that PowerShell's > wrote), fileb:// as bytes. Not ok means that the value names none.
func (e Env) paramFile(value string) (v any, ok bool, err error) {
	path, isText := strings.CutPrefix(value, "file://")
	if !isText {
		if path, ok = strings.CutPrefix(value, "fileb://"); !ok {
			return nil, false, nil
		}
	}
	path = e.expandVars(e.expandUser(path))
	content, err := []byte(nil), fs.ErrNotExist
	if e.ReadFile != nil {
		content, err = e.ReadFile(path)
	}
	if err != nil {
		return nil, false, errors.New("Unable to load paramfile " + value + ": " + nettext.Of(err))
	}
	if !isText {
		return blob(content), true, nil
	}
	content, _, err = usertext.Decode(content)
	if err != nil || !utf8.Valid(content) {
		return nil, false, errors.New("Unable to load paramfile (" + path + "), text contents could not be decoded.  " +
			"If this is a binary file, please use the fileb:// prefix instead of the file:// prefix.")
	}
	return strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(content)), true, nil
}

func (e Env) lookup(key string) (string, bool) {
	if e.Lookup == nil {
		return "", false
	}
	return e.Lookup(key)
}

// expandUser replaces a leading ~ by the home directory.
func (e Env) expandUser(path string) string {
	home, ok := e.lookup("HOME")
	rest, tilde := strings.CutPrefix(path, "~")
	if !ok || !tilde || rest != "" && !os.IsPathSeparator(rest[0]) {
		return path
	}
	home = strings.TrimRightFunc(home, func(r rune) bool { return r < utf8.RuneSelf && os.IsPathSeparator(byte(r)) })
	return cmp.Or(home+rest, "/")
}

// expandVars replaces $NAME and ${NAME}; a variable that is not set stays.
func (e Env) expandVars(path string) string {
	return os.Expand(path, func(name string) string {
		if v, ok := e.lookup(name); ok {
			return v
		}
		return "$" + name
	})
}

// ExpandPath expands ~ and variables in a file name, as the CLI does for the names
// of its own files.
func (e Env) ExpandPath(path string) string { return e.expandVars(e.expandUser(path)) }
