package guard

import (
	"slices"
	"strings"

	"ssmguard/guard/policy"
)

// Grant is one permission the request needs, on one resource.
type Grant struct {
	ID       string         // stable in JSON: "start/target", "start/document", "resume", ...
	Action   string         // ssm:StartSession
	Resource string         // the exact ARN IAM evaluates
	Context  policy.Context // the condition keys of this resource only
	Advisory bool           // a missing advisory grant warns and never stops
	Why      string         // one clause for people: why the session needs it
}

// Ruling is one judge's answer on one grant.
type Ruling struct {
	Grant  Grant
	Answer policy.Answer
	Judge  string // "iam" or "local"
}

// Decision is everything the guard found out about one request.
type Decision struct {
	Request  Request
	Facts    Facts
	Grants   []Grant     // what the request needs, in the order of Needs
	Rulings  []Ruling    // by grant, then by judge
	Access   []Ruling    `json:",omitempty"` // on AccessNeeds, where the session is denied
	Findings []Finding   // the weightiest first; Check leaves them to guard/finding
	Policies *policy.Set // what the local judge read; nil when it read nothing
	Fix      *Fix        `json:",omitempty"` // all repairs of the findings as one; nil where there are none, or they do not go together
	Unread   []Unread    `json:"-"`          // what could not be read

	Texts map[string]PolicyText `json:"-"` // of policies that stand in files, by the Source of their statements
}

// Unread is what kept a judge, or the inventory, from answering in full.
type Unread struct {
	Who string // "inventory", or the judge's name
	Err error  // perhaps several, joined; those of missing permissions are NotVisible
}

// Verdict returns the worst merged verdict of the required grants: a proven deny
// before Unknown, Unknown before Allow. Without grants it is Unknown.
func (d Decision) Verdict() policy.Verdict {
	worst, any := policy.Allow, false
	for _, g := range d.Grants {
		if g.Advisory {
			continue
		}
		any = true
		if v := d.Of(g.ID).Verdict; weight(v) > weight(worst) {
			worst = v
		}
	}
	if !any {
		return policy.Unknown
	}
	return worst
}

// weight orders verdicts from the best to the worst.
func weight(v policy.Verdict) int {
	return slices.Index([]policy.Verdict{policy.Allow, policy.Unknown, policy.ImplicitDeny, policy.ExplicitDeny}, v)
}

// Merged is the judges' common answer on one grant.
type Merged struct {
	Verdict    policy.Verdict
	Contradict bool     // one judge proves a deny, another allows
	Unproven   bool     // a judge denies, but on something it could not see
	DependsOn  []string // the keys and layers the verdict turns on, when it is Unknown
	Rulings    []Ruling // the judges' own answers
}

// Of merges the rulings on one grant. Judges that contradict each other give
// Unknown; else a proven explicit deny wins, then a proven implicit deny, then
// any allow that no organization's policy can overrule; else it is Unknown.
func (d Decision) Of(id string) Merged {
	var m Merged
	for _, r := range d.Rulings {
		if r.Grant.ID == id {
			m.Rulings = append(m.Rulings, r)
		}
	}
	keys := openKeys(m.Rulings)
	var allow, explicit, implicit bool
	for _, r := range m.Rulings {
		switch v := r.Answer.Verdict; {
		case v == policy.Allow:
			allow = true
		case v.Denies() && (len(r.Answer.DependsOn) > 0 || len(keys) > 0 && !settled(r)):
			m.Unproven = true
			m.depend(r.Answer.DependsOn)
		case v == policy.ExplicitDeny:
			explicit = true
		case v == policy.ImplicitDeny:
			implicit = true
		default:
			m.depend(r.Answer.DependsOn)
		}
	}
	m.Contradict = allow && (explicit || implicit)
	switch {
	case m.Contradict:
	case explicit:
		m.Verdict = policy.ExplicitDeny
	case implicit:
		m.Verdict = policy.ImplicitDeny
	case m.Unproven:
	case allow && !organizationOpen(m.Rulings):
		m.Verdict = policy.Allow
	}
	if m.Verdict != policy.Unknown {
		m.DependsOn = nil
	}
	return m
}

func (m *Merged) depend(on []string) {
	for _, d := range on {
		if !slices.Contains(m.DependsOn, d) {
			m.DependsOn = append(m.DependsOn, d)
		}
	}
}

// Unseen returns, of a request that is allowed, the policies that no judge could
// see and that may still forbid it, as people call them: a simulation knows nothing
// of the session's own policy and of the VPC endpoint's.
func (d Decision) Unseen() []string {
	if d.Verdict() != policy.Allow {
		return nil
	}
	var names []string
	for _, r := range d.Rulings {
		if r.Grant.Advisory || r.Answer.Verdict != policy.Unknown {
			continue
		}
		for _, layer := range []policy.Kind{policy.Session, policy.Endpoint} {
			if name := layerWords[layer].all; slices.Contains(r.Answer.DependsOn, layer.String()) && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// settled reports whether AWS was seen to refuse by an explicit deny: no other layer can
// undo it, whatever its own keys are.
func settled(r Ruling) bool {
	return slices.ContainsFunc(r.Answer.Layers, func(l policy.LayerAnswer) bool { return l.Seen && l.Verdict == policy.ExplicitDeny })
}

// openKeys returns the condition keys (not the layers) on which a judge that
// answered Unknown says the outcome turns. No other judge knows them either: a
// simulation merely takes them as absent.
func openKeys(rulings []Ruling) []string {
	var keys []string
	for _, r := range rulings {
		if r.Answer.Verdict != policy.Unknown {
			continue
		}
		for _, on := range r.Answer.DependsOn {
			if strings.Contains(on, ":") {
				keys = append(keys, on)
			}
		}
	}
	return keys
}

// organizationOpen reports whether a judge that read the service control policies
// finds that they turn on a condition key. A simulation evaluates them too, but
// takes such a key as absent and does not say that they ask for it.
func organizationOpen(rulings []Ruling) bool {
	return slices.ContainsFunc(rulings, func(r Ruling) bool {
		return r.Answer.Verdict == policy.Unknown && !slices.Contains(r.Answer.DependsOn, policy.SCP.String()) &&
			slices.ContainsFunc(r.Answer.Layers, func(l policy.LayerAnswer) bool { return l.Layer == policy.SCP && l.Verdict == policy.Unknown })
	})
}
