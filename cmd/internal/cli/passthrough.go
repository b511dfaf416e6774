package cli

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// passedVariable lists the programs named aws that we have handed a command to
// already, so that a script of that name which calls us is not asked again.
const passedVariable = "SSMGUARD_PASSED"

// passThrough becomes the next program named aws. It returns only when there is
// none or it cannot be run.
func (p *process) passThrough(args []string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	passed := filepath.SplitList(p.getenv(passedVariable))
	next := nextAWS(p.getenv("PATH"), self, passed)
	if next == "" {
		return errors.New("this is not start-session, and there is no other aws in PATH to hand it to")
	}
	list := next
	if len(passed) > 0 {
		list = p.getenv(passedVariable) + string(filepath.ListSeparator) + next
	}
	environ := append(slices.DeleteFunc(slices.Clone(p.environ), func(entry string) bool {
		return strings.HasPrefix(entry, passedVariable+"=")
	}), passedVariable+"="+list)
	return p.become(next, append([]string{"aws"}, args...), environ)
}

// nextAWS returns the first executable named aws in a PATH that is neither our
// own program nor among those passed; "" when there is none.
func nextAWS(path, self string, passed []string) string {
	own, err := os.Stat(self)
	if err != nil {
		return ""
	}
	for _, dir := range filepath.SplitList(path) {
		for _, name := range awsNames {
			candidate := filepath.Join(dir, name)
			info, err := os.Stat(candidate)
			if err != nil || !info.Mode().IsRegular() || !executable(info) {
				continue
			}
			if os.SameFile(info, own) || slices.Contains(passed, candidate) {
				continue
			}
			if ours, _ := isShim(candidate, self); ours { // on Windows it is another file
				continue
			}
			return candidate
		}
	}
	return ""
}
