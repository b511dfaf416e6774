package guard

import (
	"slices"
	"strings"

	"ssmguard/guard/policy"
)

// Layer is one layer of a policy.Set; service and resource control policies
// make one for each level of the organization.
type Layer struct {
	Name       string // as in Set.Partial
	Level      int    // of the organization, the root is 1; 0 in layers without levels
	Statements []policy.Statement
}

// LayersOf takes a set apart into the layers that exist.
func LayersOf(set policy.Set) []Layer {
	var ls []Layer
	if !set.Root {
		ls = append(ls, Layer{Name: "identity", Statements: set.Identity})
	}
	for _, l := range []Layer{{Name: "boundary", Statements: set.Boundary}, {Name: "session", Statements: set.Session}, {Name: "endpoint", Statements: set.Endpoint}} {
		if l.Statements != nil {
			ls = append(ls, l)
		}
	}
	for i, s := range set.SCP {
		ls = append(ls, Layer{"scp", i + 1, s})
	}
	for i, s := range set.RCP {
		ls = append(ls, Layer{"rcp", i + 1, s})
	}
	return ls
}

// LayerTitles are the layers of policy.Set as people call one policy of them.
var LayerTitles = map[string]string{
	"identity": "identity policy", "boundary": "permissions boundary", "session": "session policy",
	"scp": "service control policy", "rcp": "resource control policy", "endpoint": "VPC endpoint policy",
}

// Title is what people call a policy of the layer.
func (l Layer) Title() string { return LayerTitles[l.Name] }

// Applies reports whether a statement matches a grant with all its conditions.
func Applies(s *policy.Statement, g Grant) bool {
	return s.MatchesAction(g.Action) && s.MatchesResource(g.Resource, g.Context) && s.MatchesConditions(g.Context)
}

// Says is what the layer by itself says of a grant, given the set's answer. A
// layer that does not bear on the grant says nothing against it.
func (l Layer) Says(a policy.Answer) policy.LayerAnswer {
	for _, la := range a.Layers {
		if la.Layer == l.Name && la.Level == l.Level {
			return la
		}
	}
	return policy.LayerAnswer{Layer: l.Name, Level: l.Level, Verdict: policy.Allow}
}

// at returns the statements at some positions.
func (l Layer) at(positions []policy.Pos) []*policy.Statement {
	var out []*policy.Statement
	for i := range l.Statements {
		if slices.Contains(positions, l.Statements[i].At) {
			out = append(out, &l.Statements[i])
		}
	}
	return out
}

// Denying returns the Deny statements of the layer that match a grant, given the
// set's answer.
func (l Layer) Denying(a policy.Answer) []*policy.Statement {
	la := l.Says(a)
	switch {
	case la.Verdict != policy.ExplicitDeny:
		return nil
	case len(la.By) == 0: // one of several denies, whatever the unknown keys are
		return l.at(a.By)
	}
	return l.at(la.By)
}

// Denies tells whether one of the layer's Deny statements matches a grant, given
// the set's answer.
func (l Layer) Denies(a policy.Answer, at policy.Pos) bool {
	return slices.ContainsFunc(l.Denying(a), func(s *policy.Statement) bool { return s.At == at })
}

// layerNames are the layers of policy.Set as people call them.
var layerNames = map[string]string{
	"identity": "identity policies", "boundary": "permissions boundary", "session": "session policy",
	"scp": "service control policies", "rcp": "resource control policies", "endpoint": "VPC endpoint policy",
}

// SplitDepends tells condition keys, which hold a colon, from layers.
func SplitDepends(on []string) (keys, layers []string) {
	for _, s := range on {
		switch name := layerNames[s]; {
		case strings.Contains(s, ":"):
			keys = append(keys, s)
		case name != "":
			layers = append(layers, name)
		default:
			layers = append(layers, s)
		}
	}
	return keys, layers
}
