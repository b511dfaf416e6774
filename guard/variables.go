package guard

import "strings"

// ReplaceVariables writes with(inside) in the place of each policy variable of a pattern or a
// value, where inside is what stands between "${" and "}". A "${" that is not closed is text.
func ReplaceVariables(text string, with func(inside string) string) string {
	var b strings.Builder
	for {
		before, after, ok := strings.Cut(text, "${")
		inside, rest, closed := strings.Cut(after, "}")
		if !ok || !closed {
			return b.String() + text
		}
		b.WriteString(before + with(inside))
		text = rest
	}
}

// Variables returns what stands in each policy variable of a text.
func Variables(text string) (insides []string) {
	ReplaceVariables(text, func(inside string) string {
		insides = append(insides, inside)
		return ""
	})
	return insides
}
