package guard

import (
	"slices"
	"strings"

	"ssmguard/guard/policy"
)

// Layer is one layer of a policy.Set; service and resource control policies
// make one for each level of the organization.
type Layer struct {
	Kind       policy.Kind
	Level      int // of the organization, the root is 1; 0 in layers without levels
	Statements []policy.Statement
}

// LayersOf takes a set apart into the layers that exist.
func LayersOf(set policy.Set) []Layer {
	var ls []Layer
	for _, k := range []policy.Kind{policy.Identity, policy.Boundary, policy.Session, policy.Endpoint} {
		if list := *set.Layer(k, 0); k == policy.Identity && !set.Root || k != policy.Identity && list != nil {
			ls = append(ls, Layer{k, 0, list})
		}
	}
	for i, s := range set.SCP {
		ls = append(ls, Layer{policy.SCP, i + 1, s})
	}
	for i, s := range set.RCP {
		ls = append(ls, Layer{policy.RCP, i + 1, s})
	}
	return ls
}

// layerWords are, of each layer, what people call one policy of it and all of it, and
// who can change it when the caller's administrator cannot.
var layerWords = [...]struct{ one, all, owner string }{
	policy.Identity: {"identity policy", "identity policies", ""},
	policy.Boundary: {"permissions boundary", "permissions boundary", "the administrator who set the permissions boundary"},
	policy.Session:  {"session policy", "session policy", "whoever made these credentials with a session policy"},
	policy.SCP:      {"service control policy", "service control policies", "the administrator of the organization"},
	policy.RCP:      {"resource control policy", "resource control policies", "the administrator of the organization"},
	policy.Endpoint: {"VPC endpoint policy", "VPC endpoint policy", "the owner of the VPC endpoint"},
}

// Title returns what people call a policy of a kind.
func Title(k policy.Kind) string { return layerWords[k].one }

// Owner returns who can change the policies of a kind, "" for those of the caller's own
// administrator.
func Owner(k policy.Kind) string { return layerWords[k].owner }

// Applies reports whether a statement matches a grant with all its conditions.
func Applies(s *policy.Statement, g Grant) bool {
	return s.MatchesAction(g.Action) && s.MatchesResource(g.Resource, g.Context) && s.MatchesConditions(g.Context)
}

// Says is what the layer by itself says of a grant, given the set's answer. A
// layer that does not bear on the grant says nothing against it.
func (l Layer) Says(a policy.Answer) policy.LayerAnswer {
	for _, la := range a.Layers {
		if la.Layer == l.Kind && la.Level == l.Level {
			return la
		}
	}
	return policy.LayerAnswer{Layer: l.Kind, Level: l.Level, Verdict: policy.Allow}
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

// Denies reports whether one of the layer's Deny statements matches a grant, given
// the set's answer.
func (l Layer) Denies(a policy.Answer, at policy.Pos) bool {
	return slices.ContainsFunc(l.Denying(a), func(s *policy.Statement) bool { return s.At == at })
}

// SplitDepends tells condition keys, which hold a colon, from layers, which it returns
// as people call them.
func SplitDepends(on []string) (keys, layers []string) {
	for _, s := range on {
		var k policy.Kind
		switch err := k.UnmarshalText([]byte(s)); {
		case strings.Contains(s, ":"):
			keys = append(keys, s)
		case err == nil:
			layers = append(layers, layerWords[k].all)
		default:
			layers = append(layers, s)
		}
	}
	return keys, layers
}
