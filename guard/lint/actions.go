package lint

import (
	"slices"
	"strings"

	"ssmguard/guard"
	"ssmguard/internal/spelling"
)

// actions looks for actions that no service has.
func (l *statement) actions() {
	for _, pattern := range slices.Concat(l.draft.Action, l.draft.NotAction) {
		prefix, name, ok := strings.Cut(pattern, ":")
		part := either(len(l.draft.NotAction) > 0, "Action", pattern)
		lower := strings.ToLower(prefix)
		s := l.ref.services[lower]
		switch {
		case !ok || lower == "*" || strings.ContainsAny(pattern, " \t"): // the parser's to tell
		case !slices.Contains(l.ref.prefixes, lower):
			near, level := spelling.Nearest(lower, l.ref.prefixes), guard.Note // a service of before, or newer than the list
			if near != "" {
				near, level = near+":"+name, guard.Error
			}
			l.add("SG001", level, part, "%s: no service has the prefix %s%s", pattern, prefix, meant(near))
		case s != nil && len(l.ref.matching(pattern)) == 0:
			l.add("SG001", guard.Error, part, "%s is no action%s", pattern, meant(l.likelyAction(s, name)))
		}
	}
}

// likelyAction returns the action that was most likely meant by a name that a service has
// not: one of another service's of this name, or one with a like name.
func (l *statement) likelyAction(s *service, name string) string {
	var own []string
	for _, a := range s.actions {
		own = append(own, strings.TrimPrefix(a.name, s.name+":"))
	}
	for _, a := range l.ref.matching("*") {
		if strings.EqualFold(a.name[strings.IndexByte(a.name, ':')+1:], name) {
			return a.name
		}
	}
	if strings.ContainsAny(name, "*?") {
		stem := strings.Trim(name[:strings.IndexAny(name, "*?")], "*?")
		for _, o := range own {
			if len(stem) > 3 && len(o) > len(stem) && spelling.Distance(o[:len(stem)], stem) <= 2 {
				return s.name + ":" + o[:len(stem)] + name[len(stem):]
			}
		}
		return ""
	}
	near := spelling.Nearest(name, own)
	if near == "" {
		return ""
	}
	return s.name + ":" + near
}
