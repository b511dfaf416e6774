package api

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Filter is one filter of a describe call of EC2; values may hold * and ?.
type Filter struct {
	Name   string
	values []string
}

// Filters reads the filters of a call.
func (c *Request) Filters() ([]Filter, error) {
	var all []Filter
	for i, name := range c.List("Filter.%d.Name") {
		values := c.List(fmt.Sprintf("Filter.%d.Value.", i+1) + "%d")
		if len(values) == 0 {
			return nil, Refuse("InvalidParameterValue", "The filter '%s' has no values", name)
		}
		all = append(all, Filter{name, values})
	}
	return all, nil
}

// Matches reports whether one of the filter's values stands for a value.
func (f Filter) Matches(value string) bool {
	return slices.ContainsFunc(f.values, func(pattern string) bool { return wildcard(pattern).MatchString(value) })
}

// wildcard reads a filter's value. Invalid UTF-8, which no tag can hold, becomes
// U+FFFD, because a regular expression accepts text only.
func wildcard(pattern string) *regexp.Regexp {
	quoted := regexp.QuoteMeta(strings.ToValidUTF8(pattern, "\uFFFD"))
	quoted = strings.ReplaceAll(strings.ReplaceAll(quoted, `\*`, `.*`), `\?`, `.`)
	return regexp.MustCompile(`(?s)^` + quoted + `$`)
}
