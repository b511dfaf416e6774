package session

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/program"
)

// passedVariable lists the programs named aws that we have handed a command to
// already, so that a script of that name which calls us is not asked again.
const passedVariable = "SSMGUARD_PASSED"

// errNoOtherAWS is why a command line that is not ours cannot be run.
var errNoOtherAWS = errors.New("this is not start-session, and there is no other aws in PATH to hand it to")

// passThrough becomes the next program named aws, by p.become. That returns where
// a program runs beside us instead: its end is ours, and nothing is left to do.
func passThrough(p *env.Process, args []string, become func(path string, args, environ []string) error) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	passed := filepath.SplitList(p.Getenv(passedVariable))
	next := nextAWS(p.Getenv("PATH"), self, passed)
	if next == "" {
		return errNoOtherAWS
	}
	list := next
	if len(passed) > 0 {
		list = p.Getenv(passedVariable) + string(filepath.ListSeparator) + next
	}
	environ := append(slices.DeleteFunc(slices.Clone(p.Environ), func(entry string) bool {
		return strings.HasPrefix(entry, passedVariable+"=")
	}), passedVariable+"="+list)
	return become(next, append([]string{"aws"}, args...), environ)
}

// nextAWS returns the first executable named aws in a PATH that is neither our
// own program nor among those passed; "" when there is none.
func nextAWS(path, self string, passed []string) string {
	own, err := os.Stat(self)
	if err != nil {
		return ""
	}
	for _, dir := range filepath.SplitList(path) {
		for _, name := range program.AWSNames {
			candidate := filepath.Join(dir, name)
			info, err := os.Stat(candidate)
			if err != nil || !info.Mode().IsRegular() || !program.Executable(info) {
				continue
			}
			if os.SameFile(info, own) || slices.Contains(passed, candidate) {
				continue
			}
			if ours, _ := IsShim(candidate, self); ours { // on Windows it is another file
				continue
			}
			return candidate
		}
	}
	return ""
}
