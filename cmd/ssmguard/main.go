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
	os.Exit(cli.Main(os.Args, os.Stdin, os.Stdout, os.Stderr))
}
