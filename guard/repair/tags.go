package repair

import (
	"slices"
	"strings"

	"ssmguard/guard"
	"ssmguard/guard/policy"
)

// widen repairs a statement that grants by tags which the resource carries with other
// values: its conditions take those too. That keeps the control by tags and opens all that
// carries them, where a statement of its own opens one resource; so it is done only where
// the plan is to.
func (p *plan) widen(l guard.Layer, g guard.Grant) bool {
	var best candidate
	least := -1
	for i := range l.Statements {
		c, ok := p.widened(l, &l.Statements[i], g)
		if !ok {
			continue
		}
		if cost, ok := p.try(c, []guard.Grant{g}, l); ok && (least < 0 || cost < least) {
			best, least = c, cost
		}
	}
	if least < 0 {
		return false
	}
	p.taggable = true
	if p.byTag {
		p.apply(best.change, best.text)
	}
	return p.byTag
}

// widened returns a statement with the values that a resource has added to the conditions
// on its tags. It is not ok if something else keeps the statement from the grant.
func (p *plan) widened(l guard.Layer, s *policy.Statement, g guard.Grant) (c candidate, ok bool) {
	if s.Denies() || !s.MatchesAction(g.Action) || !s.MatchesResource(g.Resource, g.Context) {
		return c, false
	}
	d, err := guard.CopyOf(s)
	unmet := s.Unmet(g.Context)
	if err != nil || len(unmet) == 0 {
		return c, false
	}
	var added []string
	for _, u := range unmet {
		if !takesValues(u.Condition) || len(u.Got) != 1 || strings.ContainsAny(u.Got[0], "*?$") || d.Condition[u.Operator][u.Key] == nil {
			return c, false
		}
		d.Condition[u.Operator][u.Key] = append(slices.Clone(d.Condition[u.Operator][u.Key]), u.Got[0])
		added = append(added, u.Got[0]+" to the condition on "+u.Key)
	}
	c.change = guard.Change{Kind: guard.ReplaceStatement, Layer: l.Kind, Level: l.Level, Where: guard.SourceOf(l, p.d.Request.Caller.Home()), At: s.At, Statement: d.String()}
	c.text = "add " + guard.Join(added, "and") + ", for all that carries the tag"
	c.opens = true
	return c, true
}

// takesValues reports whether a condition on a tag of a resource lists the values that it
// takes: one that compares with the caller's tags means those.
func takesValues(c policy.Condition) bool {
	_, operator, ok := strings.Cut(strings.ToLower(c.Operator), ":")
	if !ok {
		operator = strings.ToLower(c.Operator)
	}
	return guard.IsTagKey(c.Key) && !guard.IsSessionTag(c.Key) && strings.HasPrefix(operator, "string") && !guard.Negated(c) &&
		!slices.ContainsFunc(c.Values, func(v string) bool { return strings.Contains(v, "${") })
}
