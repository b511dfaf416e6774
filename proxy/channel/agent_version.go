package channel

import (
	"strconv"
	"strings"
)

// Agents can do these things in versions strictly above.
const (
	terminateFlagAbove = "2.3.722.0"  // TerminateSession flag in port sessions
	multiplexAbove     = "3.0.196.0"  // many connections in one port session
	noKeepaliveAbove   = "3.1.1511.0" // the multiplexer does without its own keepalive
)

// newerThan reports whether version is above other. Both must be numbers and
// have the same count of parts; anything else counts as old, as the official
// plugin has it.
func newerThan(version, other string) bool {
	a, b := strings.Split(version, "."), strings.Split(other, ".")
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		x, err := strconv.Atoi(a[i])
		if err != nil {
			return false
		}
		y, err := strconv.Atoi(b[i])
		if err != nil {
			return false
		}
		if x != y {
			return x > y
		}
	}
	return false
}
