package exit

import (
	"github.com/urfave/cli/v2"

	"ssmguard/cmd/internal/env"
)

// NoWords rejects words that no option takes. urfave/cli stops at the first of
// them and would drop every option behind it.
func NoWords(c *cli.Context) error {
	if c.Args().Present() {
		return Usagef("unknown word: %s; see %q", env.Printable(c.Args().First()), "ssmguard help "+c.Command.Name)
	}
	return nil
}
