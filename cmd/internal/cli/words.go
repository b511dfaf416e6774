package cli

import (
	"fmt"

	"ssmguard/internal/spelling"

	"github.com/urfave/cli/v2"
)

// nearestCommand asks whether the command was meant that a misspelt one resembles,
// or says where all are listed.
func nearestCommand(app *cli.App, word string) string {
	var names []string
	for _, c := range app.VisibleCommands() {
		names = append(names, c.Name)
	}
	if near := spelling.Nearest(word, names); near != "" {
		return fmt.Sprintf("; did you mean %q?", "ssmguard "+near)
	}
	return fmt.Sprintf("; see %q", "ssmguard help")
}
