package cli

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
)

func versionCommand(p *env.Process) *cli.Command {
	return &cli.Command{
		Name:        "version",
		Usage:       "print the version",
		UsageText:   "ssmguard version",
		Description: "Prints our version, the commit it was built from and the Go version.",
		Action: func(c *cli.Context) error {
			if err := exit.NoWords(c); err != nil {
				return err
			}
			_, err := fmt.Fprintln(p.Stdout, env.Version())
			return err
		},
	}
}
