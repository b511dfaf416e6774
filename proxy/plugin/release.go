package plugin

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// What is built in, and what AWS says of releases. The module proxy has no release later
// than this source, whose own number, 1.3.0.0, AWS has never released.
const (
	// SourceDate is the day of the official plugin's source that is built in.
	SourceDate = "2026-04-01"
	// NearestRelease is the release that was made of that source, of 2026-04-02.
	NearestRelease = "1.2.804.0"
	// MinimumRelease is the oldest release that AWS supports: the first that signs
	// OpenDataChannel; see "Session Manager plugin latest version and release history" in the
	// user guide of Systems Manager.
	MinimumRelease = "1.2.764.0"
	// lastInlineVersion is the newest plugin that takes the StartSession response,
	// token included, in its arguments only.
	lastInlineVersion = "1.2.497.0"
)

// BuiltIn describes the plugin that is built in.
func BuiltIn() string {
	return fmt.Sprintf("built in, source of %s (nearest release %s)", SourceDate, NearestRelease)
}

var versionForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^\d+(\.\d+){0,3}$`) })

// Newer reports whether a version of the plugin is later than another. What does not look
// like a version is not later than any.
func Newer(version, than string) bool {
	version = strings.Join(strings.Fields(version), "")
	if !versionForm().MatchString(version) {
		return false
	}
	v := strings.Split(version, ".")
	for i, part := range strings.Split(than, ".") {
		a := 0
		if i < len(v) {
			a, _ = strconv.Atoi(v[i])
		}
		if b, _ := strconv.Atoi(part); a != b {
			return a > b
		}
	}
	return false
}

// Outdated reports whether an external plugin is older than AWS's minimum.
func (r *Runner) Outdated() bool {
	return r.external && r.version != MinimumRelease && !Newer(r.version, MinimumRelease)
}

// Standing tells how an external plugin's version stands to AWS's minimum and to the plugin
// that is built in.
func (r *Runner) Standing() string {
	switch {
	case r.Outdated():
		return "older than " + MinimumRelease + ", AWS's minimum"
	case r.version == NearestRelease:
		return "of the same release as the one built in"
	case Newer(r.version, NearestRelease):
		return "newer than the one built in"
	}
	return "older than the one built in"
}
