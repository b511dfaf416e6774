package channel

import (
	"slices"
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
	a, b := numbers(version), numbers(other)
	return len(a) == len(b) && slices.Compare(a, b) > 0
}

// numbers returns the parts of a version, none if one is no number.
func numbers(version string) (parts []int) {
	for part := range strings.SplitSeq(version, ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			return nil
		}
		parts = append(parts, n)
	}
	return parts
}
