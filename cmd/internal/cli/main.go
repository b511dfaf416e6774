// Package cli holds the commands: one file each, with its flags, complete and
// run in that order. Commands translate between the user and guard and proxy.
package cli

import "io"

// Main runs one command line and returns the exit code.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	return exitUsage
}
