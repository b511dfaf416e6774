package awsconf

import (
	"slices"
	"strings"
)

// Aliased reports whether the user's alias file redefines a command of the AWS CLI: the
// service's name at top level, or the operation's below it. lookup reads environment
// variables.
func Aliased(service, operation string, lookup func(string) (string, bool)) bool {
	sections := aliases(lookup)
	return sections["toplevel"].has(service) || sections["command "+service].has(operation)
}

// aliases are the sections of the user's alias file.
func aliases(lookup func(string) (string, bool)) map[string]section {
	data, err := cacheBound.readFile(environment{lookup}.aws("cli", "alias"))
	if err != nil {
		return nil
	}
	sections, err := parseINI(string(data), false)
	if err != nil {
		return nil // the AWS CLI refuses such a file
	}
	return sections
}

// SwallowingAliases returns the entries of the user's alias file, as
// "[section] name", that run another program to start a session. The AWS CLI
// hands such a program neither --profile nor --region, wherever they are written.
func SwallowingAliases(lookup func(string) (string, bool)) []string {
	var found []string
	for name, s := range aliases(lookup) {
		for key, text := range s.values {
			shell := strings.HasPrefix(strings.TrimSpace(text), "!")
			if shell && (strings.Contains(text, "start-session") || strings.Contains(text, "ssmguard")) {
				found = append(found, "["+name+"] "+key)
			}
		}
	}
	slices.Sort(found)
	return found
}
