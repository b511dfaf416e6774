package peer

import (
	"os"
	"os/user"
	"slices"
	"strconv"
)

// runtimes is where each user who is logged in has a directory of the name of their uid: from
// the first login to the end of the last session, see pam_systemd(8) and elogind.
const runtimes = "/run/user"

// The uids of people, see login.defs(5): UID_MIN, and below what systemd gives to services
// that run for a while. Those of login screens are below.
const firstPerson, lastPerson = 1000, 60000

// Others returns the names of the other people who are logged in to this machine, or their
// uids where there is no name; none where the system does not tell.
func Others() []string { return others(runtimes, os.Geteuid()) }

func others(dir string, own int) (names []string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	for _, e := range entries {
		uid, err := strconv.Atoi(e.Name())
		if err != nil || uid == own || uid < firstPerson || uid > lastPerson {
			continue
		}
		name := "uid " + e.Name()
		if u, err := user.LookupId(e.Name()); err == nil && u.Username != "" {
			name = u.Username
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
