package guard

import (
	"slices"

	"ssmguard/guard/policy"
)

// layer is one layer of a policy.Set; service and resource control policies
// make one for each level of the organization.
type layer struct {
	name       string // as in Set.Partial
	level      int    // of the organization, the root is 1; 0 in layers without levels
	statements []policy.Statement
}

// layersOf takes a set apart into the layers that exist.
func layersOf(set policy.Set) []layer {
	var ls []layer
	if !set.Root {
		ls = append(ls, layer{name: "identity", statements: set.Identity})
	}
	for _, l := range []layer{{name: "boundary", statements: set.Boundary}, {name: "session", statements: set.Session}, {name: "endpoint", statements: set.Endpoint}} {
		if l.statements != nil {
			ls = append(ls, l)
		}
	}
	for i, s := range set.SCP {
		ls = append(ls, layer{"scp", i + 1, s})
	}
	for i, s := range set.RCP {
		ls = append(ls, layer{"rcp", i + 1, s})
	}
	return ls
}

var layerTitles = map[string]string{
	"identity": "identity policy", "boundary": "permissions boundary", "session": "session policy",
	"scp": "service control policy", "rcp": "resource control policy", "endpoint": "VPC endpoint policy",
}

func (l layer) title() string { return layerTitles[l.name] }

func applies(s *policy.Statement, g Grant) bool {
	return s.MatchesAction(g.Action) && s.MatchesResource(g.Resource, g.Context) && s.MatchesConditions(g.Context)
}

// says is what the layer by itself says of a grant, given the set's answer. A
// layer that does not bear on the grant says nothing against it.
func (l layer) says(a policy.Answer) policy.LayerAnswer {
	for _, la := range a.Layers {
		if la.Layer == l.name && la.Level == l.level {
			return la
		}
	}
	return policy.LayerAnswer{Layer: l.name, Level: l.level, Verdict: policy.Allow}
}

// at returns the statements at some positions.
func (l layer) at(positions []policy.Pos) []*policy.Statement {
	var out []*policy.Statement
	for i := range l.statements {
		if slices.Contains(positions, l.statements[i].At) {
			out = append(out, &l.statements[i])
		}
	}
	return out
}

// denying returns the Deny statements of the layer that match a grant, given the
// set's answer.
func (l layer) denying(a policy.Answer) []*policy.Statement {
	la := l.says(a)
	switch {
	case la.Verdict != policy.ExplicitDeny:
		return nil
	case len(la.By) == 0: // one of several denies, whatever the unknown keys are
		return l.at(a.By)
	}
	return l.at(la.By)
}

// denies tells whether one of the layer's Deny statements matches a grant, given
// the set's answer.
func (l layer) denies(a policy.Answer, at policy.Pos) bool {
	return slices.ContainsFunc(l.denying(a), func(s *policy.Statement) bool { return s.At == at })
}
