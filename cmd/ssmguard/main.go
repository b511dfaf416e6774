// Command ssmguard is a drop-in for `aws ssm start-session` that says why a
// session would be refused before it starts one. See README.md.
package main

import (
	"os"

	"ssmguard/cmd/internal/cli"
)

func main() {
	os.Exit(cli.Main(os.Args, os.Stdin, os.Stdout, os.Stderr))
}
