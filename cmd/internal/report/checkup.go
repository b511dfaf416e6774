package report

import (
	"io"
	"strings"

	"ssmguard/internal/safetext"
)

// Level is how a check of the surroundings came out.
type Level string

// The levels, the worst last.
const (
	OK   Level = "ok"
	Warn Level = "warn" // a session may fail, or something could not be told
	Fail Level = "fail" // no session will start, or none will last
)

// Check is one thing that a session depends on, and how it stands.
type Check struct {
	Level Level  `json:"level"`
	Name  string `json:"name"` // one word, the same for checks of one kind
	Text  string `json:"text"` // what was seen, one line
	Do    string `json:"do,omitempty"`
}

// checkIndent is the place of a check's text.
const checkIndent = 16

// checkColour is the colour of each level.
var checkColour = map[Level]safetext.Own{OK: green, Warn: yellow, Fail: red}

// Checkup writes checks as text: what was seen, and what to do below it. width is the
// terminal's, 0 where lines are not to be broken, and colour says whether levels have colours.
func Checkup(w io.Writer, checks []Check, width int, colour bool) error {
	indent := strings.Repeat(" ", checkIndent)
	for _, c := range checks {
		var before, after safetext.Own
		if before = checkColour[c.Level]; colour && before != "" {
			after = normal
		} else {
			before = ""
		}
		pad := strings.Repeat(" ", max(5-len(c.Level), 0))
		if _, err := safetext.Fprintf(w, "%s%s%s%s %-9s %s\n", before, c.Level, after, pad, c.Name, wrap(c.Text, indent, checkIndent, width)); err != nil {
			return err
		}
		if c.Do == "" {
			continue
		}
		if _, err := safetext.Fprintf(w, "%-5s %-9s %s\n", "", "do", wrap(c.Do, indent, checkIndent, width)); err != nil {
			return err
		}
	}
	return nil
}

// CheckupJSON writes checks as one JSON object with the fields protocol and checks.
func CheckupJSON(w io.Writer, checks []Check) error {
	e := safetext.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(struct {
		Protocol int     `json:"protocol"`
		Checks   []Check `json:"checks"`
	}{Protocol, checks})
}
