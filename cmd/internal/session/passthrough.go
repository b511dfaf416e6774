package session

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/program"
	"ssmguard/internal/self"
)

// passedVariable lists the programs named aws that a command was passed to already, so
// that a script named aws that calls ssmguard does not get it again.
const passedVariable = "SSMGUARD_PASSED"

// errNoOtherAWS is the error for a command line that is not ours when there is no other
// aws.
var errNoOtherAWS = errors.New("this is not start-session, and there is no other aws in PATH to hand it to")

// passThrough replaces the process with the next program named aws, by become. Where
// become runs the program as a child it returns with the child's exit status.
func passThrough(p *env.Process, args []string, become func(path string, args, environ []string) error) error {
	self, err := self.Path()
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

// nextAWS returns the first executable named aws in a PATH that is neither our own
// program nor in passed; "" if there is none.
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
			if ours, _ := IsShim(candidate, self); ours { // on Windows the shim is another file
				continue
			}
			return candidate
		}
	}
	return ""
}
