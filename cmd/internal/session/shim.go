package session

import (
	"slices"
	"strings"
)

// A batch file is read in the code page of the console, not in UTF-8, so a path in it has
// to be ASCII. shim makes the text of the batch file that starts ssmguard as aws.
type shim struct {
	name string                      // of the batch file, absolute
	self string                      // ssmguard's path
	get  func(string) (string, bool) // a variable's value
	// short is the 8.3 name of a path, "" where there is none.
	short func(string) string
}

// homes are variables that cmd.exe replaces by the beginnings of paths, whatever their
// characters are. They are those of the user who installs the shim.
var homes = []string{"LOCALAPPDATA", "APPDATA", "USERPROFILE", "ProgramData"}

// texts are the forms of the batch file. The first is the one to write, and all are ours.
// None means that no form can be read in every code page.
func (s shim) texts() (all []string) {
	add := func(prefix, path string) {
		path = prefix + strings.ReplaceAll(path, "%", "%%")
		if isASCII(path) {
			all = append(all, "@\""+path+"\" aws %*\r\n")
		}
	}
	add("", s.self)
	for _, name := range homes {
		if dir, ok := s.get(name); ok && dir != "" {
			if rest, below := below(s.self, dir); below {
				add("%"+name+"%", rest)
			}
		}
	}
	if rest, same := below(s.self, s.name[:strings.LastIndexAny(s.name, `\/`)+1]); same {
		add("%~dp0", strings.TrimLeft(rest, `\/`))
	}
	if short := s.short(s.self); short != "" {
		add("", short)
	}
	return all
}

// isOurs reports whether a batch file is one of ours, in a form of today or in that of
// earlier versions.
func (s shim) isOurs(text string) bool {
	return slices.Contains(s.texts(), text) || text == "@\""+s.self+"\" aws %*\r\n"
}

// below returns the rest of a path below a folder, with the separator.
func below(path, dir string) (rest string, ok bool) {
	dir = strings.TrimRight(dir, `\/`)
	if len(path) <= len(dir) || !strings.EqualFold(path[:len(dir)], dir) || !strings.ContainsRune(`\/`, rune(path[len(dir)])) {
		return "", false
	}
	return path[len(dir):], true
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) < 0
}
