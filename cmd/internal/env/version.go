package env

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// Version returns "ssmguard VERSION (COMMIT) GOVERSION OS/ARCH".
func Version() string {
	number, commit := "devel", "no commit"
	if info, ok := debug.ReadBuildInfo(); ok {
		if v := info.Main.Version; v != "" && v != "(devel)" {
			number = v
		}
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				commit = s.Value[:min(12, len(s.Value))]
			}
		}
	}
	return fmt.Sprintf("ssmguard %s (%s) %s %s/%s", number, commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
