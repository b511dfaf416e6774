package memtest

import (
	"runtime/debug"
	"slices"
)

// Raced reports whether this program was built with the race detector, which takes several
// times the memory of the program itself, so that nothing can be said about the program's own.
func Raced() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}
