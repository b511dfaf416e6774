package guard

import (
	"slices"
	"strings"

	"ssmguard/guard/policy"
)

// lint looks at statements that bear on this request and do not do what they
// seem to: a Deny that protects nothing, an Allow that opens too much.
func lint(d Decision) []Finding {
	fs := foreignKey(d)
	if d.Policies == nil {
		return fs
	}
	for _, l := range layersOf(*d.Policies) {
		for i := range l.statements {
			s := &l.statements[i]
			if !s.MatchesAction(actionStart) {
				continue
			}
			for _, g := range d.Grants {
				if g.Action != actionStart {
					continue
				}
				if f, ok := lintStatement(d, s, g); ok {
					fs = append(fs, f)
				}
			}
		}
	}
	return fs
}

// foreignKey warns of what no policy of this account can settle.
func foreignKey(d Decision) []Finding {
	account := arnField(d.Facts.KMSKey, fieldAccount)
	if account == "" || account == d.Request.Caller.Account {
		return nil
	}
	return []Finding{{Code: "SG404", Level: Note, Grant: GrantKMS, Action: actionDataKey, Resource: d.Facts.KMSKey,
		Summary: "the session is encrypted with a key of account " + account + ", whose key policy must allow " + d.Request.Caller.Name() + " too"}}
}

func lintStatement(d Decision, s *policy.Statement, g Grant) (Finding, bool) {
	q := inquiry{d: d, grant: g, about: subjectOf(g)}
	if s.Denies() && q.about == aboutDocument && !s.MatchesResource(g.Resource, g.Context) {
		for _, pattern := range s.Resources() {
			if m, ok := q.patternMiss(s, pattern); ok && (m.code == "SG102" || m.code == "SG103") && matchesNothing(pattern) {
				return Finding{Code: "SG112", Level: Note, Grant: g.ID,
					Summary: "a Deny on " + arnName(g.Resource) + " protects nothing",
					Nearest: []Near{{At: s.At, Why: m.why}}}, true
			}
		}
	}
	if !s.Denies() && slices.Contains(s.Resources(), "*") && applies(s, g) {
		for _, c := range s.Conditions() {
			if isTagKey(c.Key) && strings.HasSuffix(strings.ToLower(c.Operator), "ifexists") && !strings.Contains(strings.ToLower(c.Operator), "not") {
				return Finding{Code: "SG209", Level: Note,
					Summary: "a tag condition with IfExists on * opens every target without the tag, and every document",
					Nearest: []Near{{At: s.At, Why: "holds for everything that has no " + c.Key}}}, true
			}
		}
	}
	return Finding{}, false
}
