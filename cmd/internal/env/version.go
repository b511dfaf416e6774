package env

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
)

// Build is what the program was built from. Go writes it into the program, if it reads the
// repository (go help buildvcs); what it did not write is empty.
type Build struct {
	Release string // the tag, such as v1.0.0, or what Go makes of the commit when there is none
	Commit  string
	Date    string // of the commit, as RFC 3339 has it
	Changed bool   // there were changes that are in no commit
}

// ReadBuild returns what this program was built from.
func ReadBuild() Build {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return Build{}
	}
	return buildOf(info)
}

func buildOf(info *debug.BuildInfo) Build {
	var b Build
	if v := info.Main.Version; v != "(devel)" {
		b.Release = v
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.time":
			b.Date = s.Value
		case "vcs.modified":
			b.Changed = s.Value == "true"
		}
	}
	return b
}

// Version returns "ssmguard VERSION (COMMIT) GOVERSION OS/ARCH".
func Version() string {
	b := ReadBuild()
	commit := cmp.Or(b.Commit[:min(12, len(b.Commit))], "no commit")
	return fmt.Sprintf("ssmguard %s (%s) %s %s/%s", cmp.Or(b.Release, "devel"), commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
