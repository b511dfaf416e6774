package finding

import (
	"ssmguard/guard"
	"ssmguard/guard/policy"
	"ssmguard/guard/policy/source"
)

// lint looks at statements that bear on this request and do not do what they
// seem to: a Deny that protects nothing, an Allow that opens too much.
func lint(d guard.Decision) []guard.Finding {
	fs := foreignKey(d)
	if d.Policies == nil {
		return fs
	}
	for _, l := range guard.LayersOf(*d.Policies) {
		for i := range l.Statements {
			s := &l.Statements[i]
			if !s.MatchesAction(guard.ActionStart) {
				continue
			}
			for _, g := range d.Grants {
				if g.Action != guard.ActionStart {
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
func foreignKey(d guard.Decision) []guard.Finding {
	account := guard.ArnField(d.Facts.KMSKey, guard.FieldAccount)
	if account == "" || account == d.Request.Caller.Account {
		return nil
	}
	return []guard.Finding{{Code: "SG404", Level: guard.Note, Grant: guard.GrantKMS, Action: guard.ActionDataKey, Resource: d.Facts.KMSKey,
		Summary: "the session is encrypted with a key of account " + account + ", whose key policy must allow " + d.Request.Caller.Name() + " too"}}
}

func lintStatement(d guard.Decision, s *policy.Statement, g guard.Grant) (guard.Finding, bool) {
	q := inquiry{d: d, grant: g, about: subjectOf(g)}
	if s.Denies() && q.about == aboutDocument && !s.MatchesResource(g.Resource, g.Context) {
		for _, pattern := range s.Resources() {
			if guard.AccountSlip(pattern, g.Resource) {
				return guard.Finding{Code: "SG112", Level: guard.Note, Grant: g.ID,
					Summary: "a Deny on " + guard.ArnName(g.Resource) + " protects nothing",
					Nearest: []guard.Near{{At: s.At, Why: q.accountMiss(pattern).why, Part: source.Part{Element: "Resource", Value: pattern}}}}, true
			}
		}
	}
	if s.Denies() && s.MatchesResource(g.Resource, g.Context) {
		for _, u := range s.Unmet(g.Context) {
			if why := noSuchKey(g.Action, u); why != "" {
				return guard.Finding{Code: "SG112", Level: guard.Note, Grant: g.ID, Summary: "a Deny on " + guard.ArnName(g.Resource) + " protects nothing",
					Nearest: []guard.Near{{At: s.At, Why: "denies it if " + guard.ConditionText(u.Condition) + "; " + why, Part: conditionPart(u.Condition), Note: why}}}, true
			}
		}
	}
	if key, opens := guard.OpensUntagged(s); opens && guard.Applies(s, g) {
		near := guard.Near{At: s.At, Why: "holds for everything that has no " + key}
		for _, c := range s.Conditions() {
			if c.Key == key {
				near.Part = conditionPart(c)
			}
		}
		return guard.Finding{Code: "SG209", Level: guard.Note,
			Summary: "a tag condition with IfExists on * opens every target without the tag, and every document",
			Nearest: []guard.Near{near}}, true
	}
	return guard.Finding{}, false
}
