// Command ssmguard is a drop-in for `aws ssm start-session` that says why a
// session would be refused before it starts one. See README.md.
package main

import (
	"os"

	"ssmguard/cmd/internal/cli"
	"ssmguard/proxy/plugin"
)

func main() {
	if plugin.Named(os.Args[0]) {
		os.Exit(plugin.Main(os.Args))
	}
	exit(cli.Main(os.Args, os.Stdin, os.Stdout, os.Stderr))
}

// exit ends the process with a code or, below 0, by a signal.
func exit(code int) {
	if code < 0 {
		endBy(-code)
		code = 128 - code // where no signal can end us
	}
	os.Exit(code)
}
