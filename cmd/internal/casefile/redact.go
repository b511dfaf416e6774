package casefile

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// redactions are the kinds of ids that are replaced, each by others of the same form. A name, as of a role, a
// document or a tag, stays: it is what the policies speak of.
var redactions = []struct {
	pattern string
	other   func(n int, id string) string
}{
	{`\b[0-9]{12}\b`, func(n int, _ string) string { return fmt.Sprintf("%012d", 100000000000+n) }},
	{`\b(?:i|mi|vpc|vpce|sg|subnet|eni|o|ou)-[0-9a-z][0-9a-z-]{6,}\b`, func(n int, id string) string {
		prefix, rest, _ := strings.Cut(id, "-")
		return prefix + "-" + fmt.Sprintf("%0*d", len(rest), n)
	}},
	{`\b(?:AIDA|AROA|AGPA|ASIA|AKIA|ANPA)[0-9A-Z]{8,}\b`, func(n int, id string) string { return id[:4] + fmt.Sprintf("%0*d", len(id)-4, n) }},
	{`\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b`, func(n int, _ string) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }},
	{`[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+`, func(n int, _ string) string { return fmt.Sprintf("person%d@example.com", n) }},
}

// Redact returns the case with other ids in the place of accounts, nodes, networks, keys,
// organizations, principals' ids and e-mail addresses: the same one wherever it stands, so
// that what is alike stays alike. Names stay, and IP addresses, which conditions compare
// with ranges.
func (c Case) Redact() (Case, error) {
	b, err := json.Marshal(c)
	if err != nil {
		return c, err
	}
	text := string(b)
	for _, r := range redactions {
		seen := make(map[string]string)
		text = regexp.MustCompile(r.pattern).ReplaceAllStringFunc(text, func(id string) string {
			if seen[id] == "" {
				seen[id] = r.other(len(seen)+1, id)
			}
			return seen[id]
		})
	}
	var out Case
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		return c, err
	}
	out.Redacted = true
	return out, nil
}
