package guard

import "strings"

// GroupOf returns the group that a grant is repaired with: what a session cannot
// start without, what its owner does to it later, or the grant by itself.
func GroupOf(g Grant) string {
	switch g.ID {
	case GrantTarget, GrantDocument:
		return "start"
	case GrantResume, GrantTerminate:
		return "session"
	case GrantTask, GrantCluster:
		return "execute"
	}
	return g.ID
}

// Permissions drafts the statements that allow some grants: one for each set of
// actions that shares its resources.
func Permissions(grants []Grant) []Draft {
	var start, own Texts
	var out []Draft
	for _, g := range grants {
		switch {
		case g.Action == ActionStart:
			start = append(start, Literal(g.Resource))
		case g.ID == GrantResume || g.ID == GrantTerminate:
			own = append(own, g.Action)
		case g.ID == GrantAccessToken:
			token := strings.TrimSuffix(g.Resource, sampleRequest)
			out = append(out, Allow(Texts{g.Action}, Texts{token + "*"}))
		case g.ID == GrantDataChannel:
			out = append(out, Allow(Texts{g.Action}, Texts{"*"}))
		default:
			out = append(out, Allow(Texts{g.Action}, Texts{Literal(g.Resource)}))
		}
	}
	if len(own) > 0 {
		d := Allow(own, Texts{"*"})
		d.Condition = map[string]map[string]Texts{"StringLike": {SessionTagID: {"${aws:userid}"}}}
		out = append([]Draft{d}, out...)
	}
	if len(start) > 0 {
		out = append([]Draft{Allow(Texts{ActionStart}, start)}, out...)
	}
	return out
}

// Describe says in a clause what a change does.
func (c Change) Describe() string {
	switch c.Kind {
	case RemoveStatement:
		return "remove " + c.At.String()
	case ReplaceStatement:
		return "replace " + c.At.String() + " with " + c.Statement
	}
	return "add " + c.Statement + " to " + c.Where
}
