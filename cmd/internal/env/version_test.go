package env

import (
	"runtime/debug"
	"testing"
)

func TestBuild(t *testing.T) {
	settings := []debug.BuildSetting{
		{Key: "vcs", Value: "git"}, {Key: "vcs.revision", Value: "0123456789abcdef"},
		{Key: "vcs.time", Value: "2026-11-29T15:00:00Z"}, {Key: "vcs.modified", Value: "true"},
	}
	for _, c := range []struct {
		about string
		info  debug.BuildInfo
		want  Build
	}{
		{"of a tag", debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}, Settings: settings},
			Build{Release: "v1.2.3", Commit: "0123456789abcdef", Date: "2026-11-29T15:00:00Z", Changed: true}},
		{"by go test", debug.BuildInfo{Main: debug.Module{Version: "(devel)"}}, Build{}},
		{"by go install of a version", debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}}, Build{Release: "v1.2.3"}},
	} {
		if got := buildOf(&c.info); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.about, got, c.want)
		}
	}
}
