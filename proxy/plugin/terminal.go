package plugin

import (
	"os"

	"golang.org/x/term"
)

// saveTerminal remembers how the first terminal among the files is set, and
// returns what puts it back.
func saveTerminal(files ...any) (restore func()) {
	for _, f := range files {
		file, ok := f.(*os.File)
		if !ok || file == nil || !term.IsTerminal(int(file.Fd())) {
			continue
		}
		fd := int(file.Fd())
		state, err := term.GetState(fd)
		if err != nil {
			continue
		}
		return func() { term.Restore(fd, state) }
	}
	return func() {}
}
