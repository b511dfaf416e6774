package awsconf

import "os"

// Aliased tells whether the user's alias file gives a command of the AWS CLI
// another meaning: the service's name at top level, or the operation's below it.
// lookup reads environment variables.
func Aliased(service, operation string, lookup func(string) (string, bool)) bool {
	data, err := os.ReadFile(environment{lookup}.aws("cli", "alias"))
	if err != nil {
		return false
	}
	sections, err := parseINI(string(data), false)
	if err != nil {
		return false // the AWS CLI refuses such a file; we need none
	}
	return sections["toplevel"].has(service) || sections["command "+service].has(operation)
}
