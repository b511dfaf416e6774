package report

import (
	"io"

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

// Checkup writes checks as text: one line each, what to do below it.
func Checkup(w io.Writer, checks []Check) error {
	for _, c := range checks {
		if _, err := safetext.Fprintf(w, "%-5s %-9s %s\n", c.Level, c.Name, c.Text); err != nil {
			return err
		}
		if c.Do == "" {
			continue
		}
		if _, err := safetext.Fprintf(w, "%-5s %-9s %s\n", "", "do", c.Do); err != nil {
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
