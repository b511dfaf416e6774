package env

import (
	"os"

	"golang.org/x/sys/windows"
)

// TakeConsole lets the consoles behind files read escape sequences, which classic consoles
// otherwise show. ok is false where one cannot: it is to be treated as a dumb terminal.
func TakeConsole(files ...*os.File) (restore func(), ok bool) {
	var handles []uintptr
	for _, f := range files {
		handles = append(handles, f.Fd())
	}
	return consoleModes{
		get: func(handle uintptr) (mode uint32, err error) {
			err = windows.GetConsoleMode(windows.Handle(handle), &mode)
			return mode, err
		},
		set: func(handle uintptr, mode uint32) error { return windows.SetConsoleMode(windows.Handle(handle), mode) },
	}.take(handles...)
}
