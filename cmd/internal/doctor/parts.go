package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"ssmguard/cmd/internal/report"
	"ssmguard/guard"
	"ssmguard/guard/finding"
	"ssmguard/guard/lint"
	"ssmguard/proxy/plugin"
)

// Part is something in the program that was taken from AWS on a day, and gets old.
type Part struct {
	Name string `json:"name"`
	Of   string `json:"of"` // the day, as 2006-01-02
	Old  bool   `json:"old"`
}

// Parts are the parts that get old, the oldest first. A part is old after a year.
func Parts(now time.Time) []Part {
	parts := []Part{
		{Name: "the session-manager plugin that is built in", Of: plugin.SourceDate},
		{Name: "the least agents that sessions need", Of: finding.AgentsDate},
		{Name: "the table of condition keys", Of: guard.KeysDate()},
		{Name: "the actions of AWS's services", Of: lint.ServicesDate()},
	}
	for i, p := range parts {
		day, err := time.Parse(time.DateOnly, p.Of)
		parts[i].Old = err != nil || now.After(day.AddDate(1, 0, 0))
	}
	slices.SortStableFunc(parts, func(a, b Part) int { return strings.Compare(a.Of, b.Of) })
	return parts
}

// parts warns of the parts of the program that are old. It asks nobody.
func (d *doctor) parts(context.Context) []report.Check {
	var checks []report.Check
	for _, p := range Parts(d.now()) {
		if p.Old {
			checks = append(checks, report.Check{Level: report.Warn, Name: "age", Text: fmt.Sprintf("%s is of %s, more than a year old", p.Name, p.Of),
				Do: "update ssmguard; what AWS has changed since is unknown to it"})
		}
	}
	return checks
}
