package repair

import (
	"slices"
	"strings"

	"ssmguard/guard"
	"ssmguard/guard/policy"
)

// slip corrects in place what is written wrongly in a statement that would allow the grant
// otherwise: an action, a type, an ARN. That is what was meant, where a statement beside it
// would leave the slip.
func (p *plan) slip(l guard.Layer, g guard.Grant) bool {
	for i := range l.Statements {
		s := &l.Statements[i]
		if s.Denies() {
			continue
		}
		if c, ok := p.corrected(l, s, g); ok {
			if _, ok := p.tried(c, []guard.Grant{g}, l); ok {
				p.apply(c.change, c.text)
				return true
			}
		}
	}
	return false
}

// corrected returns a statement with its slips corrected. Where it has none, or more than a
// slip keeps it from the grant, it is not ok.
func (p *plan) corrected(l guard.Layer, s *policy.Statement, g guard.Grant) (c candidate, ok bool) {
	d, err := guard.CopyOf(s)
	if err != nil || d.Action == nil || d.Resource == nil {
		return c, false
	}
	var said []string
	replace := func(list guard.Texts, i int, correct string) {
		said = append(said, "write "+correct+" instead of "+list[i])
		list[i] = correct
	}
	if !s.MatchesAction(g.Action) {
		i := slices.IndexFunc(d.Action, func(wrote string) bool { return guard.NearAction(wrote, g.Action) })
		if i < 0 {
			return c, false
		}
		replace(d.Action, i, g.Action)
	}
	if !s.MatchesResource(g.Resource, g.Context) {
		i := slices.IndexFunc(d.Resource, func(pattern string) bool {
			slip := guard.ResourceSlip(pattern, g.Resource)
			return slip.Pattern != "" && (slip.Kind != guard.TerraformSlip || strings.Contains(slip.Pattern, ":"+guard.ResourceType(g.Resource)+"/"))
		})
		if i < 0 {
			return c, false
		}
		replace(d.Resource, i, guard.ResourceSlip(d.Resource[i], g.Resource).Pattern)
	}
	c.change = guard.Change{Kind: guard.ReplaceStatement, Layer: l.Kind, Level: l.Level, Where: guard.SourceOf(l, p.d.Request.Caller.Home()), At: s.At, Statement: d.String()}
	c.text, c.opens = guard.Join(said, "and"), true
	return c, len(said) > 0
}
