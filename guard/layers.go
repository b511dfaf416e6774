package guard

import "ssmguard/guard/policy"

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

// allows tells whether a statement of the layer allows the grant, Deny aside.
// AWS attaches a policy that allows everything to every level of RCPs.
func (l layer) allows(g Grant) bool {
	if l.name == "rcp" {
		return true
	}
	for i := range l.statements {
		if s := &l.statements[i]; !s.Denies() && applies(s, g) {
			return true
		}
	}
	return false
}

// denying returns the Deny statements of the layer that match the grant.
func (l layer) denying(g Grant) []*policy.Statement {
	var out []*policy.Statement
	for i := range l.statements {
		if s := &l.statements[i]; s.Denies() && applies(s, g) {
			out = append(out, s)
		}
	}
	return out
}
