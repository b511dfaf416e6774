package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/urfave/cli/v2"
)

func versionCommand(p *process) *cli.Command {
	return &cli.Command{
		Name:        "version",
		Usage:       "print the version",
		UsageText:   "ssmguard version",
		Description: "Prints our version, the commit it was built from and the Go version.",
		Action: func(c *cli.Context) error {
			if err := noWords(c); err != nil {
				return err
			}
			_, err := fmt.Fprintln(p.stdout, version())
			return err
		},
	}
}

// version returns "ssmguard VERSION (COMMIT) GOVERSION OS/ARCH".
func version() string {
	number, commit := "devel", "no commit"
	if info, ok := debug.ReadBuildInfo(); ok {
		if v := info.Main.Version; v != "" && v != "(devel)" {
			number = v
		}
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				commit = s.Value[:min(12, len(s.Value))]
			}
		}
	}
	return fmt.Sprintf("ssmguard %s (%s) %s %s/%s", number, commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
